#include "nibble/kernels/float_sparse.h"

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/cpu_level.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/float_sparse.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/bf16-inl.h"
#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/weight_loads-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// Calls job.chunk<n>(first output) for pieces of n vectors that cover the outputs, a multiple of
// 64. All sums of a piece stay in registers while the row's non-zeros pass.
template <std::size_t kVectors, typename Job>
HWY_INLINE void cover_outputs(const Job& job, std::size_t outputs, std::size_t first = 0) {
  constexpr std::size_t kStep = kVectors * kLanes;
  for (; first + kStep <= outputs; first += kStep) job.template chunk<kVectors>(first);
  if constexpr (kStep > kPanelWidth) {
    if (first < outputs) cover_outputs<kVectors / 2>(job, outputs, first);
  }
}
constexpr std::size_t kChunkVectors = NIBBLE_AVX512 ? 16 : 8;

template <typename Load>
struct FloatJob {
  SparseRow x;
  const typename Load::Stored* weights;
  std::size_t stride;
  Finish finish;
  float* y;

  template <std::size_t kVectors>
  HWY_NOINLINE void chunk(std::size_t first) const {
    const F32Tag d;
    F32Vec sums[1][kVectors];
    start_tile(finish.bias + first, sums);
    for (std::size_t i = 0; i < x.count; ++i) {
      const typename Load::Stored* w = weights + x.columns[i] * stride + first;
      const F32Vec value = hn::Set(d, x.values[i]);
      NIBBLE_UNROLL
      for (std::size_t v = 0; v < kVectors; ++v)
        sums[0][v] = fused(value, Load::load(w + v * kLanes), sums[0][v]);
    }
    store_tile(sums, finish.relu, y + first, 0);
  }
};

// How a value meets a vector of bf16 pairs: even outputs in the lower halves.
struct WidenedValue {
  F32Vec value;
  explicit HWY_INLINE WidenedValue(float x) : value(hn::Set(F32Tag(), x)) {}
  HWY_INLINE void add_to(F32Vec& even, F32Vec& odd, U32Vec pairs) const {
    even = fused(value, lower_half(pairs), even);
    odd = fused(value, upper_half(pairs), odd);
  }
};

#if NIBBLE_VNNI
// The dot product with (value, 0) or (0, value) widens for free.
struct RoundedValue {
  U32Vec low;
  U32Vec high;
  explicit HWY_INLINE RoundedValue(float x) {
    const F32Vec value = hn::Set(F32Tag(), x);
    const U32Vec both = rounded_pairs(value, value);
    low = hn::And(both, hn::Set(U32Tag(), 0x0000FFFFU));
    high = hn::And(both, hn::Set(U32Tag(), 0xFFFF0000U));
  }
  HWY_INLINE void add_to(F32Vec& even, F32Vec& odd, U32Vec pairs) const {
    add_bf16_products(even, low, pairs);
    add_bf16_products(odd, high, pairs);
  }
};
#endif

template <typename Value>
struct Bf16Job {
  SparseRow x;
  const std::uint16_t* weights;
  std::size_t stride;
  Finish finish;
  float* y;

  template <std::size_t kVectors>
  HWY_NOINLINE void chunk(std::size_t first) const {
    const F32Tag d;
    F32Vec even[kVectors / 2];
    F32Vec odd[kVectors / 2];
    NIBBLE_UNROLL
    for (std::size_t v = 0; v < kVectors / 2; ++v)
      hn::LoadInterleaved2(d, finish.bias + first + v * 2 * kLanes, even[v], odd[v]);
    for (std::size_t i = 0; i < x.count; ++i) {
      const auto* w =
          reinterpret_cast<const std::uint32_t*>(weights + x.columns[i] * stride + first);
      const Value value(x.values[i]);
      NIBBLE_UNROLL
      for (std::size_t v = 0; v < kVectors / 2; ++v)
        value.add_to(even[v], odd[v], hn::LoadU(U32Tag(), w + v * kLanes));
    }
    NIBBLE_UNROLL
    for (std::size_t v = 0; v < kVectors / 2; ++v)
      hn::StoreInterleaved2(rectified(even[v], finish.relu), rectified(odd[v], finish.relu), d,
                            y + first + v * 2 * kLanes);
  }
};

template <typename Job, typename Weights>
HWY_INLINE void gather(const SparseRow& x, const Weights& weights, const Finish& finish, float* y) {
  const Job job{x, weights.row(0), weights.stride(), finish, y};
  cover_outputs<kChunkVectors>(job, weights.stride());
}

void sparse_f32(const SparseRow& x, const Gathered<float>& weights, const Finish& finish,
                float* y) {
  gather<FloatJob<LoadF32>>(x, weights, finish, y);
}

void sparse_f16(const SparseRow& x, const Gathered<std::uint16_t>& weights, const Finish& finish,
                float* y) {
  gather<FloatJob<LoadF16>>(x, weights, finish, y);
}

void sparse_bf16(const SparseRow& x, const Gathered<std::uint16_t>& weights, const Finish& finish,
                 float* y) {
#if NIBBLE_VNNI
  if (bf16_dots_in_use()) return gather<Bf16Job<RoundedValue>>(x, weights, finish, y);
#endif
  gather<Bf16Job<WidenedValue>>(x, weights, finish, y);
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

NIBBLE_EXPORT(sparse_f32);
NIBBLE_EXPORT(sparse_f16);
NIBBLE_EXPORT(sparse_bf16);

void f32_sparse(const SparseRow& x, const Gathered<float>& weights, const Finish& finish,
                float* y) {
  NIBBLE_DISPATCH(sparse_f32)(x, weights, finish, y);
}

void f16_sparse(const SparseRow& x, const Gathered<std::uint16_t>& weights, const Finish& finish,
                float* y) {
  NIBBLE_DISPATCH(sparse_f16)(x, weights, finish, y);
}

void bf16_sparse(const SparseRow& x, const Gathered<std::uint16_t>& weights, const Finish& finish,
                 float* y) {
  NIBBLE_DISPATCH(sparse_bf16)(x, weights, finish, y);
}

}  // namespace nibble
#endif  // HWY_ONCE
