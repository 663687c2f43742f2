#include "nibble/kernels/int8_sparse.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/int8_sparse.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

struct Job {
  SparseQuantizedRow x;
  const std::int8_t* weights;
  std::size_t stride;
  const float* scales;
  Finish finish;
  float* y;

  const std::int8_t* row(std::size_t i) const { return weights + x.columns[i] * stride; }
  std::int32_t value(std::size_t i) const { return x.values[i] - x.scale.offset; }
};

#if NIBBLE_PLAIN_LOOPS

void gather(const Job& job) {
  for (std::size_t first = 0; first < job.stride; first += kPanelWidth) {
    std::int32_t sums[kPanelWidth] = {};
    for (std::size_t i = 0; i < job.x.count; ++i) {
      const auto value = static_cast<std::int16_t>(job.value(i));
      const std::int8_t* codes = job.row(i) + first;
      for (std::size_t c = 0; c < kPanelWidth; ++c) {
        // NOLINTNEXTLINE(bugprone-signed-char-misuse): a number, not a character
        const std::int16_t code = codes[c];
        sums[c] += value * code;
      }
    }
    for (std::size_t c = 0; c < kPanelWidth; ++c) {
      const std::size_t o = first + c;
      const float product = static_cast<float>(sums[c]) * (job.x.scale.scale * job.scales[o]);
      const float value = product + job.finish.bias[o];
      job.y[o] = job.finish.relu ? std::max(0.0F, value) : value;
    }
  }
}

#else

// kLanes outputs from `first` on. Whoever calls this again and again has a job of its own: one that
// came by reference is read anew after each store to y, as if that had changed it.
HWY_INLINE void finish_vector(const Job& job, I32Vec sum, std::size_t first) {
  const F32Tag d;
  const F32Vec scale = hn::Mul(hn::Set(d, job.x.scale.scale), hn::LoadU(d, job.scales + first));
  const F32Vec product = hn::Mul(hn::ConvertTo(d, sum), scale);
  const F32Vec value = hn::Add(product, hn::LoadU(d, job.finish.bias + first));
  hn::StoreU(rectified(value, job.finish.relu), d, job.y + first);
}

HWY_INLINE I16Vec load_words(const std::int8_t* from) {
  return hn::PromoteTo(I16Tag(), hn::LoadU(hn::Half<I8Tag>(), from));
}

// Sums in 16 bits, exact while the values' magnitudes add up to at most kLargestTotal. A bag of
// words keeps to that: 94 % of its counts are 1, which need no multiplication.
constexpr std::int32_t kLargestTotal = 32767 / 128;

template <std::size_t kVectors>
HWY_NOINLINE void gather_words(const Job& shared, std::size_t first) {
  const Job job = shared;
  constexpr std::size_t kStep = 2 * kLanes;
  I16Vec sums[kVectors];
  NIBBLE_UNROLL
  for (std::size_t v = 0; v < kVectors; ++v) sums[v] = hn::Zero(I16Tag());
  for (std::size_t i = 0; i < job.x.count; ++i) {
    const std::int8_t* w = job.row(i) + first;
    const std::int32_t value = job.value(i);
    if (value == 1) {
      NIBBLE_UNROLL
      for (std::size_t v = 0; v < kVectors; ++v)
        sums[v] = hn::Add(sums[v], load_words(w + v * kStep));
    } else {
      const I16Vec factor = hn::Set(I16Tag(), static_cast<std::int16_t>(value));
      NIBBLE_UNROLL
      for (std::size_t v = 0; v < kVectors; ++v)
        sums[v] = hn::Add(sums[v], hn::Mul(factor, load_words(w + v * kStep)));
    }
  }
  NIBBLE_UNROLL
  for (std::size_t v = 0; v < kVectors; ++v) {
    const hn::Half<I16Tag> half;
    const std::size_t o = first + v * kStep;
    finish_vector(job, hn::PromoteTo(I32Tag(), hn::LowerHalf(half, sums[v])), o);
    finish_vector(job, hn::PromoteTo(I32Tag(), hn::UpperHalf(half, sums[v])), o + kLanes);
  }
}

// Sums in 32 bits, two matrix rows at a time: interleaved in 16 bits and multiplied by PMADDWD.
template <std::size_t kVectors>
HWY_NOINLINE void gather_pairs(const Job& shared, std::size_t first) {
  const Job job = shared;
  constexpr std::size_t kStep = 2 * kLanes;
  I32Vec lower[kVectors];
  I32Vec upper[kVectors];
  NIBBLE_UNROLL
  for (std::size_t v = 0; v < kVectors; ++v) lower[v] = upper[v] = hn::Zero(I32Tag());
  for (std::size_t i = 0; i < job.x.count; i += 2) {
    // A last row without a partner meets itself, times zero.
    const std::size_t j = std::min(i + 1, job.x.count - 1);
    const std::int32_t second = j == i ? 0 : job.value(j);
    const std::uint32_t both = (static_cast<std::uint32_t>(second) << 16U) |
                               (static_cast<std::uint32_t>(job.value(i)) & 0xFFFFU);
    const I16Vec factors =
        hn::BitCast(I16Tag(), hn::Set(I32Tag(), static_cast<std::int32_t>(both)));
    NIBBLE_UNROLL
    for (std::size_t v = 0; v < kVectors; ++v) {
      const I16Vec a = load_words(job.row(i) + first + v * kStep);
      const I16Vec b = load_words(job.row(j) + first + v * kStep);
      lower[v] = add_pair_products(lower[v], hn::InterleaveLower(I16Tag(), a, b), factors);
      upper[v] = add_pair_products(upper[v], hn::InterleaveUpper(I16Tag(), a, b), factors);
    }
  }
  NIBBLE_UNROLL
  for (std::size_t v = 0; v < kVectors; ++v) {
    restore_order(lower[v], upper[v]);
    finish_vector(job, lower[v], first + v * kStep);
    finish_vector(job, upper[v], first + v * kStep + kLanes);
  }
}

template <std::size_t kVectors>
HWY_INLINE void cover_words(const Job& job, std::size_t first) {
  constexpr std::size_t kStep = kVectors * 2 * kLanes;
  for (; first + kStep <= job.stride; first += kStep) gather_words<kVectors>(job, first);
  if constexpr (kStep > kPanelWidth) {
    if (first < job.stride) cover_words<kVectors / 2>(job, first);
  }
}

template <std::size_t kVectors>
HWY_INLINE void cover_pairs(const Job& job, std::size_t first) {
  constexpr std::size_t kStep = kVectors * 2 * kLanes;
  for (; first + kStep <= job.stride; first += kStep) gather_pairs<kVectors>(job, first);
  if constexpr (kStep > kPanelWidth) {
    if (first < job.stride) cover_pairs<kVectors / 2>(job, first);
  }
}

#if NIBBLE_VNNI

// Vector j holds outputs 16 k + 4 j .. 16 k + 4 j + 3 in its 128-bit block k; then vector k holds
// outputs 16 k .. 16 k + 15.
HWY_INLINE void transpose_blocks(I32Vec (&sums)[4]) {
  const __m512i t0 = _mm512_shuffle_i32x4(sums[0].raw, sums[1].raw, 0x44);
  const __m512i t1 = _mm512_shuffle_i32x4(sums[0].raw, sums[1].raw, 0xEE);
  const __m512i t2 = _mm512_shuffle_i32x4(sums[2].raw, sums[3].raw, 0x44);
  const __m512i t3 = _mm512_shuffle_i32x4(sums[2].raw, sums[3].raw, 0xEE);
  sums[0].raw = _mm512_shuffle_i32x4(t0, t2, 0x88);
  sums[1].raw = _mm512_shuffle_i32x4(t0, t2, 0xDD);
  sums[2].raw = _mm512_shuffle_i32x4(t1, t3, 0x88);
  sums[3].raw = _mm512_shuffle_i32x4(t1, t3, 0xDD);
}

// The last inputs, fewer than four. Those beyond are the last one again, times zero.
struct LastQuad {
  std::uint32_t columns[4];
  std::uint8_t values[4];

  explicit LastQuad(const SparseQuantizedRow& x) {
    const std::size_t first = x.count / 4 * 4;
    for (std::size_t k = 0; k < 4 && first < x.count; ++k) {
      const std::size_t at = std::min(first + k, x.count - 1);
      columns[k] = x.columns[at];
      values[k] = at == first + k ? x.values[at] : 0;
    }
  }
};

HWY_INLINE I16Vec low_pairs(I8Vec a, I8Vec b) {
  return hn::BitCast(I16Tag(), hn::InterleaveLower(I8Tag(), a, b));
}
HWY_INLINE I16Vec high_pairs(I8Vec a, I8Vec b) {
  return hn::BitCast(I16Tag(), hn::InterleaveUpper(I8Tag(), a, b));
}
// sums[0] and [1] += values times the interleaved pairs of two inputs and of two more.
HWY_INLINE void add_quads(U8Vec values, I16Vec a, I16Vec b, I32Vec* sums) {
  const I16Tag d;
  add_quad_products(sums[0], values, hn::BitCast(I8Tag(), hn::InterleaveLower(d, a, b)));
  add_quad_products(sums[1], values, hn::BitCast(I8Tag(), hn::InterleaveUpper(d, a, b)));
}

// Four rows of the matrix are interleaved, so that VPDPBUSD multiplies an output's four codes by
// four inputs, whatever these are: from L2 a row of 14 words takes 0.09 us on Zen 5, with
// gather_words 0.15.
template <std::size_t kPanels>
HWY_NOINLINE void gather_quads(const Job& shared, const LastQuad& last, std::size_t first) {
  const Job job = shared;
  const I8Tag d;
  I32Vec sums[kPanels][4];
  NIBBLE_UNROLL
  for (std::size_t p = 0; p < kPanels; ++p) {
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < 4; ++k) sums[p][k] = hn::Zero(I32Tag());
  }
  for (std::size_t i = 0; i < job.x.count; i += 4) {
    const bool whole = i + 4 <= job.x.count;
    const std::uint32_t* columns = whole ? job.x.columns + i : last.columns;
    const U8Vec values = four_bytes(whole ? job.x.values + i : last.values);
    const std::int8_t* rows[4];
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < 4; ++k) {
      rows[k] = job.weights + columns[k] * job.stride + first;
      asm("" : "+r"(rows[k]));  // or GCC 12 computes all four in a vector and stores that
    }
    NIBBLE_UNROLL
    for (std::size_t p = 0; p < kPanels; ++p) {
      const I8Vec a = hn::LoadU(d, rows[0] + p * kPanelWidth);
      const I8Vec b = hn::LoadU(d, rows[1] + p * kPanelWidth);
      const I8Vec c = hn::LoadU(d, rows[2] + p * kPanelWidth);
      const I8Vec e = hn::LoadU(d, rows[3] + p * kPanelWidth);
      add_quads(values, low_pairs(a, b), low_pairs(c, e), sums[p]);
      add_quads(values, high_pairs(a, b), high_pairs(c, e), sums[p] + 2);
    }
  }
  NIBBLE_UNROLL
  for (std::size_t p = 0; p < kPanels; ++p) {
    transpose_blocks(sums[p]);
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < 4; ++k)
      finish_vector(job, sums[p][k], first + p * kPanelWidth + k * kLanes);
  }
}

void cover_quads(const Job& job) {
  const LastQuad last(job.x);
  std::size_t first = 0;
  for (; first + 4 * kPanelWidth <= job.stride; first += 4 * kPanelWidth)
    gather_quads<4>(job, last, first);
  for (; first < job.stride; first += kPanelWidth) gather_quads<1>(job, last, first);
}

#endif  // NIBBLE_VNNI

void gather(const Job& job) {
#if NIBBLE_VNNI
  if (job.x.scale.offset == 0) return cover_quads(job);
#endif
  std::int32_t total = 0;
  for (std::size_t i = 0; i < job.x.count && total <= kLargestTotal; ++i)
    total += std::abs(job.value(i));
  if (total <= kLargestTotal) {
    cover_words<NIBBLE_AVX512 ? 16 : 8>(job, 0);
  } else {
    cover_pairs<NIBBLE_AVX512 ? 8 : 4>(job, 0);
  }
}

#endif  // NIBBLE_PLAIN_LOOPS

void sparse_int8(const SparseQuantizedRow& x, const Gathered<std::int8_t>& weights,
                 const float* scales, const Finish& finish, float* y) {
  gather({x, weights.row(0), weights.stride(), scales, finish, y});
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

NIBBLE_EXPORT(sparse_int8);

void int8_sparse(const SparseQuantizedRow& x, const Gathered<std::int8_t>& weights,
                 const float* scales, const Finish& finish, float* y) {
  NIBBLE_DISPATCH(sparse_int8)(x, weights, scales, finish, y);
}

}  // namespace nibble
#endif  // HWY_ONCE
