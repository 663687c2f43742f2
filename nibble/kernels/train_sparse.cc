#include "nibble/kernels/train_sparse.h"

#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/train_sparse.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/train_sparse-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

struct CatchUpVectors {
  explicit CatchUpVectors(const CatchUp& c)
      : rate(hn::Set(TrainTag(), c.rate)),
        epsilon(hn::Set(TrainTag(), c.epsilon)),
        spread(hn::Set(TrainTag(), c.spread)),
        fall(hn::Set(TrainTag(), c.fall)) {}
  TrainVec rate, epsilon, spread, fall;
};

// sqrt(v), within two units in the last place. The 14-bit estimate and one Newton step take 5
// cycles on Zen 4 where the exact root keeps the divider busy for 10, and the division needs it
// too.
HWY_INLINE TrainVec root(TrainVec v) {
#if HWY_TARGET <= HWY_AVX3
  const TrainTag d;
  const TrainVec normal = hn::Max(v, hn::Set(d, 1.2e-38F));  // of 0 the estimate would be infinite
  const TrainVec inverse = hn::ApproximateReciprocalSqrt(normal);
  const TrainVec estimate = hn::Mul(normal, inverse);
  const TrainVec error = hn::NegMulAdd(estimate, inverse, hn::Set(d, 1.0F));
  return hn::MulAdd(hn::Mul(estimate, hn::Set(d, 0.5F)), error, estimate);
#else
  return hn::Sqrt(v);
#endif
}

template <bool kFalls>
HWY_INLINE TrainVec caught_up(const CatchUpVectors& c, TrainVec w, TrainVec m, TrainVec v) {
  const TrainVec inverse = hn::Div(hn::Set(TrainTag(), 1.0F), hn::Add(root(v), c.epsilon));
  const TrainVec first_order = hn::Mul(hn::Mul(c.rate, m), inverse);
  const TrainVec ratio = hn::Mul(c.spread, inverse);
  const TrainVec movement = hn::MulAdd(first_order, hn::Mul(ratio, ratio), first_order);
  if constexpr (kFalls) return hn::Sub(w, hn::MulAdd(c.fall, w, movement));
  return hn::Sub(w, movement);
}

// The weights of one piece as they are now, in registers and in memory.
template <std::size_t N, bool kFalls>
HWY_INLINE void catch_up_vectors(const CatchUpVectors& c, std::size_t columns, float* w,
                                 TrainVec* now) {
  const TrainTag d;
  const float* m = w + columns;
  const float* v = m + columns;
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t at = i * hn::Lanes(d);
    now[i] = caught_up<kFalls>(c, hn::Load(d, w + at), hn::Load(d, m + at), hn::Load(d, v + at));
    hn::Store(now[i], d, w + at);
  }
}

template <std::size_t N>
HWY_INLINE void catch_up_piece(const CatchUp& c, std::size_t columns, float* w, TrainVec* now) {
  if (c.fall == 0.0F) {
    catch_up_vectors<N, false>(CatchUpVectors(c), columns, w, now);
  } else {
    catch_up_vectors<N, true>(CatchUpVectors(c), columns, w, now);
  }
}

void catch_up_feature(const CatchUp& catch_up, const ColumnBlock& block, std::size_t feature) {
  float* record = record_of(block, feature);
  for_each_piece(block.columns, [&](auto vectors, std::size_t column) HWY_ATTR {
    TrainVec now[vectors];
    catch_up_piece<vectors>(catch_up, block.columns, record + column, now);
  });
}

template <std::size_t N>
HWY_INLINE void forward_piece(const SparseBatch& batch, const TouchedFeature& touched,
                              std::size_t columns, float* w, float* y, std::size_t stride) {
  const TrainTag d;
  const std::size_t lanes = hn::Lanes(d);
  TrainVec now[N];
  if (!touched.catch_up.does_nothing()) {
    catch_up_piece<N>(touched.catch_up, columns, w, now);
  } else {
    for (std::size_t i = 0; i < N; ++i) now[i] = hn::Load(d, w + i * lanes);
  }
  const Occurrence* occurrence = batch.occurrences + touched.first;
  for (std::uint32_t o = 0; o < touched.count; ++o, ++occurrence) {
    const TrainVec value = hn::Set(d, occurrence->value);
    float* row = y + occurrence->row * stride;
    for (std::size_t i = 0; i < N; ++i)
      hn::Store(hn::MulAdd(value, now[i], hn::Load(d, row + i * lanes)), d, row + i * lanes);
  }
}

void sparse_forward(const SparseBatch& batch, const ColumnBlock& block, float* y,
                    std::size_t stride) {
  for (std::size_t t = 0; t < batch.touched_count; ++t) {
    prefetch_record(batch, block, t + kAhead, true);
    const TouchedFeature& touched = batch.touched[t];
    float* record = record_of(block, touched.feature);
    for_each_piece(block.columns, [&](auto vectors, std::size_t column) HWY_ATTR {
      forward_piece<vectors>(batch, touched, block.columns, record + column, y + column, stride);
    });
  }
}

template <std::size_t N>
HWY_INLINE void backward_piece(const SparseBatch& batch, const TouchedFeature& touched,
                               const AdamVectors& adam, std::size_t columns, float* w,
                               const float* dy, std::size_t stride) {
  const TrainTag d;
  const std::size_t lanes = hn::Lanes(d);
  TrainVec g[N];
  gradient_piece<N>(batch, touched, dy, stride, g);
  const TrainVec keep_m = hn::Set(d, touched.keep_m);
  const TrainVec keep_v = hn::Set(d, touched.keep_v);
  for (std::size_t i = 0; i < N; ++i) {
    float* m = w + columns + i * lanes;
    take_gradient(keep_m, adam.take_m, keep_v, adam.take_v, g[i], m, m + columns);
  }
  if (!touched.follow.does_nothing()) catch_up_piece<N>(touched.follow, columns, w, g);
}

void sparse_backward(const SparseBatch& batch, const ColumnBlock& block, const AdamStep& step,
                     const float* dy, std::size_t stride) {
  const AdamVectors adam(step);
  for (std::size_t t = 0; t < batch.touched_count; ++t) {
    prefetch_record(batch, block, t + kAhead);
    const TouchedFeature& touched = batch.touched[t];
    float* record = record_of(block, touched.feature);
    for_each_piece(block.columns, [&](auto vectors, std::size_t column) HWY_ATTR {
      backward_piece<vectors>(batch, touched, adam, block.columns, record + column, dy + column,
                              stride);
    });
  }
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(sparse_forward);
NIBBLE_EXPORT(sparse_backward);
NIBBLE_EXPORT(catch_up_feature);

}  // namespace

void train_sparse_forward(const SparseBatch& batch, const ColumnBlock& block, float* y,
                          std::size_t stride) {
  assert(block.columns % kTrainLanes == 0 && stride % kTrainLanes == 0);
  NIBBLE_DISPATCH(sparse_forward)(batch, block, y, stride);
}

void train_sparse_backward(const SparseBatch& batch, const ColumnBlock& block, const AdamStep& step,
                           const float* dy, std::size_t stride) {
  assert(block.columns % kTrainLanes == 0 && stride % kTrainLanes == 0);
  NIBBLE_DISPATCH(sparse_backward)(batch, block, step, dy, stride);
}

void train_catch_up(const CatchUp& catch_up, const ColumnBlock& block, std::size_t feature) {
  assert(block.columns % kTrainLanes == 0);
  NIBBLE_DISPATCH(catch_up_feature)(catch_up, block, feature);
}

}  // namespace nibble
#endif
