#include "nibble/kernels/train_sparse_sgd.h"

#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/train_sparse_sgd.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/optimizer-inl.h"
#include "nibble/kernels/train_sparse-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

void sgd_catch_up(const SgdCatchUp& c, const ColumnBlock& block, std::size_t feature) {
  const TrainTag d;
  const TrainVec w_from_w = hn::Set(d, c.w_from_w);
  const TrainVec w_from_m = hn::Set(d, c.w_from_m);
  const TrainVec m_from_w = hn::Set(d, c.m_from_w);
  const TrainVec m_from_m = hn::Set(d, c.m_from_m);
  float* w = record_of(block, feature);
  float* m = w + block.columns;
  for (std::size_t i = 0; i < block.columns; i += hn::Lanes(d)) {
    const TrainVec old_w = hn::Load(d, w + i);
    const TrainVec old_m = hn::Load(d, m + i);
    const TrainVec change = hn::MulAdd(w_from_w, old_w, hn::Mul(w_from_m, old_m));
    hn::Store(hn::Add(old_w, change), d, w + i);
    hn::Store(hn::MulAdd(m_from_w, old_w, hn::Mul(m_from_m, old_m)), d, m + i);
  }
}

void sparse_sgd_backward(const SparseBatch& batch, const ColumnBlock& block, const SgdStep& step,
                         const float* dy, std::size_t stride) {
  const SgdRule rule(step);
  for (std::size_t t = 0; t < batch.touched_count; ++t) {
    prefetch_record(batch, block, t + kAhead);
    const TouchedFeature& touched = batch.touched[t];
    float* record = record_of(block, touched.feature);
    for_each_piece(block.columns, [&](auto vectors, std::size_t column) HWY_ATTR {
      TrainVec g[vectors];
      gradient_piece<vectors>(batch, touched, dy + column, stride, g);
      float* w = record + column;
      for (std::size_t i = 0; i < vectors; ++i, w += hn::Lanes(TrainTag()))
        rule.take(g[i], w, w + block.columns, nullptr);
    });
  }
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(sgd_catch_up);
NIBBLE_EXPORT(sparse_sgd_backward);

}  // namespace

void train_sgd_catch_up(const SgdCatchUp& catch_up, const ColumnBlock& block, std::size_t feature) {
  assert(block.columns % kTrainLanes == 0);
  NIBBLE_DISPATCH(sgd_catch_up)(catch_up, block, feature);
}

void train_sparse_sgd_backward(const SparseBatch& batch, const ColumnBlock& block,
                               const SgdStep& step, const float* dy, std::size_t stride) {
  assert(block.columns % kTrainLanes == 0 && stride % kTrainLanes == 0);
  NIBBLE_DISPATCH(sparse_sgd_backward)(batch, block, step, dy, stride);
}

}  // namespace nibble
#endif
