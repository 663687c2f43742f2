#include "nibble/kernels/train_sparse.h"

#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/train_sparse.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/adam-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

struct CatchUpVectors {
  explicit CatchUpVectors(const CatchUp& c)
      : rate(hn::Set(TrainTag(), c.rate)),
        epsilon(hn::Set(TrainTag(), c.epsilon)),
        spread(hn::Set(TrainTag(), c.spread)) {}
  TrainVec rate, epsilon, spread;
};

HWY_INLINE TrainVec caught_up(const CatchUpVectors& c, TrainVec w, TrainVec m, TrainVec v) {
  const TrainVec inverse = inverse_root(v, c.epsilon);
  const TrainVec first_order = hn::Mul(hn::Mul(c.rate, m), inverse);
  const TrainVec ratio = hn::Mul(c.spread, inverse);
  return hn::Sub(w, hn::MulAdd(first_order, hn::Mul(ratio, ratio), first_order));
}

void catch_up_columns(const CatchUp& catch_up, std::size_t width, std::size_t columns,
                      float* record) {
  const TrainTag d;
  const CatchUpVectors c(catch_up);
  for (std::size_t i = 0; i < columns; i += hn::Lanes(d)) {
    float* at = record + i;
    hn::Store(caught_up(c, hn::Load(d, at), hn::Load(d, at + width), hn::Load(d, at + 2 * width)),
              d, at);
  }
}

void catch_up_record(const CatchUp& catch_up, std::size_t width, float* record) {
  catch_up_columns(catch_up, width, width, record);
}

HWY_INLINE void add_scaled(float value, std::size_t columns, const float* HWY_RESTRICT w,
                           float* HWY_RESTRICT y) {
  const TrainTag d;
  const TrainVec scale = hn::Set(d, value);
  for (std::size_t i = 0; i < columns; i += hn::Lanes(d))
    hn::Store(hn::MulAdd(scale, hn::Load(d, w + i), hn::Load(d, y + i)), d, y + i);
}

// The caller walks records in memory's random order: ask for one well before its turn.
constexpr std::size_t kAhead = 2;

HWY_INLINE void prefetch_record(const SparseBatch& batch, std::size_t index, std::size_t column,
                                std::size_t columns) {
  if (index >= batch.touched_count) return;
  const float* record = batch.touched[index].record + column;
  for (std::size_t part = 0; part < 3; ++part) {
    for (std::size_t i = 0; i < columns; i += kTrainLanes)
      __builtin_prefetch(record + part * batch.width + i);
  }
}

void sparse_forward(const SparseBatch& batch, std::size_t column, std::size_t columns, float* y) {
  for (std::size_t i = 0; i < batch.touched_count; ++i) {
    prefetch_record(batch, i + kAhead, column, columns);
    const TouchedRecord& touched = batch.touched[i];
    float* w = touched.record + column;
    if (touched.catch_up.rate != 0.0F) catch_up_columns(touched.catch_up, batch.width, columns, w);
    const Occurrence* occurrence = batch.occurrences + touched.first;
    for (std::uint32_t o = 0; o < touched.count; ++o, ++occurrence)
      add_scaled(occurrence->value, columns, w, y + occurrence->row * batch.width + column);
  }
}

void sparse_backward(const SparseBatch& batch, const AdamStep& step, std::size_t column,
                     std::size_t columns, const float* dy) {
  const TrainTag d;
  const AdamVectors adam(step);
  for (std::size_t i = 0; i < batch.touched_count; ++i) {
    prefetch_record(batch, i + kAhead, column, columns);
    const TouchedRecord& touched = batch.touched[i];
    const TrainVec keep_m = hn::Set(d, touched.keep_m);
    const TrainVec keep_v = hn::Set(d, touched.keep_v);
    const Occurrence* occurrences = batch.occurrences + touched.first;
    for (std::size_t c = column; c < column + columns; c += hn::Lanes(d)) {
      TrainVec g = hn::Zero(d);
      for (std::uint32_t o = 0; o < touched.count; ++o) {
        g = hn::MulAdd(hn::Set(d, occurrences[o].value),
                       hn::Load(d, dy + occurrences[o].row * batch.width + c), g);
      }
      float* m = touched.record + batch.width + c;
      take_gradient(keep_m, adam.take_m, keep_v, adam.take_v, g, m, m + batch.width);
    }
  }
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

HWY_EXPORT(sparse_forward);
HWY_EXPORT(sparse_backward);
HWY_EXPORT(catch_up_record);

}  // namespace

void train_sparse_forward(const SparseBatch& batch, std::size_t column, std::size_t columns,
                          float* y) {
  assert(column % kTrainLanes == 0 && columns % kTrainLanes == 0);
  HWY_DYNAMIC_DISPATCH(sparse_forward)(batch, column, columns, y);
}

void train_sparse_backward(const SparseBatch& batch, const AdamStep& step, std::size_t column,
                           std::size_t columns, const float* dy) {
  assert(column % kTrainLanes == 0 && columns % kTrainLanes == 0);
  HWY_DYNAMIC_DISPATCH(sparse_backward)(batch, step, column, columns, dy);
}

void train_catch_up(const CatchUp& catch_up, std::size_t width, float* record) {
  assert(width % kTrainLanes == 0);
  HWY_DYNAMIC_DISPATCH(catch_up_record)(catch_up, width, record);
}

}  // namespace nibble
#endif
