#include "nibble/kernels/int4_sparse.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/int4_sparse.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/weight_loads-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

constexpr std::size_t kStrips = Int4Gathered::kBlock / kStripWidth;  // of a block

struct Job {
  SparseQuantizedRow x;
  const Int4Gathered* weights;
  Finish finish;
  float* y;

  float value(std::size_t i) const { return static_cast<float>(x.values[i] - x.scale.offset); }
};

// The outputs of a block that exist, padding to 64 included.
std::size_t strips_of(const Job& job, std::size_t block) {
  const std::size_t left = padded_outputs(job.weights->outputs) - block * Int4Gathered::kBlock;
  return std::min(left / kStripWidth, kStrips);
}

#if NIBBLE_PLAIN_LOOPS

void gather_block(const Job& job, std::size_t block) {
  std::array<float, Int4Gathered::kBlock> sums{};
  for (std::size_t i = 0; i < job.x.count; ++i) {
    const std::uint32_t* words = job.weights->row(job.x.columns[i]) + block * 16;
    const std::uint16_t* scales = job.weights->row_scales(job.x.columns[i]) + block * 4;
    for (std::size_t k = 0; k < kStrips; ++k) {
      const float scale = job.value(i) * float_from_half(scales[k / 2]);
      for (std::size_t j = 0; j < kStripWidth; ++j) {
        const auto nibble = static_cast<std::int32_t>((words[j] >> (k * 4)) & 15U);
        sums[k * kStripWidth + j] += scale * static_cast<float>(nibble - 8);
      }
    }
  }
  for (std::size_t k = 0; k < strips_of(job, block) * kStripWidth; ++k) {
    const std::size_t o = block * Int4Gathered::kBlock + k;
    const float product = sums[k] * job.x.scale.scale;
    const float value = product + job.finish.bias[o];
    job.y[o] = job.finish.relu ? std::max(0.0F, value) : value;
  }
}

void gather(const Job& job) {
  for (std::size_t block = 0; block < job.weights->blocks(); ++block) gather_block(job, block);
}

#else

// Words whose nibble k is one of the codes wanted, shifted right by 0 or 12 bits: one shift for
// every nibble from the fifth on.
struct Words {
  hn::Vec<U32Tag> early;
  hn::Vec<U32Tag> late;
};

#if NIBBLE_AVX512

// Zen 4 needs 1.6 cycles for a shift, the look-up and the sum of 16 outputs; the way below takes
// 2.0, as VPTERNLOG runs on two units only.
template <std::size_t kStrip>
HWY_INLINE F32Vec scaled_codes(const Words& words) {
  const __m512 table = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
  // The table looks at four bits of its index and no more.
  auto index = words.early;
  if constexpr (kStrip == 3) index = words.late;
  if constexpr (kStrip > 0 && kStrip != 3) index = hn::ShiftRight<4 * kStrip>(words.early);
  return F32Vec{_mm512_permutexvar_ps(index.raw, table)};
}
constexpr float kUnscale[kStrips] = {1, 1, 1, 1, 1, 1, 1, 1};

#else

// 16^k * code, or 16^(k-3) * code for words shifted by 12. The nibble replaces bits of the fraction
// of 2^23, where a float's last bit is 1, and 2^23 + 8 * 16^k is taken off again: no conversion and
// no shift of its own. The powers of 16 change no rounding and are taken off at the end.
template <std::size_t kStrip>
HWY_INLINE F32Vec scaled_codes(const Words& words) {
  constexpr bool kLate = kStrip >= 5;  // nibbles from here on reach beyond the fraction
  constexpr std::size_t kShift = 4 * (kLate ? kStrip - 3 : kStrip);
  constexpr std::uint32_t kMagic = 0x4B000000U;  // 2^23
  constexpr float kZero = 8388608.0F + static_cast<float>(8U << kShift);
  const U32Tag d;
  const auto nibble = hn::And(kLate ? words.late : words.early, hn::Set(d, 15U << kShift));
  const F32Vec value = hn::BitCast(F32Tag(), hn::Or(nibble, hn::Set(d, kMagic)));
  return hn::Sub(value, hn::Set(F32Tag(), kZero));
}
constexpr float kUnscale[kStrips] = {1.0F,     0x1p-4F, 0x1p-8F,  0x1p-12F,
                                     0x1p-16F, 0x1p-8F, 0x1p-12F, 0x1p-16F};

#endif

// Sums of a block: strip k holds outputs 16k .. 16k+15 of it, in kParts vectors.
constexpr std::size_t kParts = kStripWidth / kLanes;

// sums[0], .. += strip kStrip's codes, .. times their scales.
template <std::size_t kStrip, std::size_t kCount, std::size_t kSums>
HWY_INLINE void add_strips(const Words& words, const float* scales, std::size_t part,
                           F32Vec (&sums)[kSums][kParts]) {
  F32Vec& sum = sums[kSums - kCount][part];
  sum = hn::MulAdd(scaled_codes<kStrip>(words), hn::Set(F32Tag(), scales[kStrip / 2]), sum);
  if constexpr (kCount > 1) add_strips<kStrip + 1, kCount - 1>(words, scales, part, sums);
}

// A block's four scales of the row's entry i, times its value. In a loop of their own: broadcasts
// from memory then keep the shuffles out of the loop over codes.
constexpr std::size_t kChunk = 32;
HWY_INLINE void load_scales(const Job& job, std::size_t i, std::size_t block, float* scales) {
  const hn::CappedTag<float, 4> four;
  const auto loaded = load_f16(four, job.weights->row_scales(job.x.columns[i]) + block * 4);
  hn::Store(hn::Mul(loaded, hn::Set(four, job.value(i))), four, scales);
}

// The sums of the strips kFirstStrip.. of one block.
template <std::size_t kFirstStrip, std::size_t kCount>
HWY_INLINE void sum_strips(const Job& job, std::size_t block, F32Vec (&sums)[kCount][kParts]) {
  alignas(64) float scales[kChunk][4];
  const std::uint32_t* codes = job.weights->codes.data() + block * 16;
  const std::size_t stride = job.weights->blocks() * 16;
  for (std::size_t first = 0; first < job.x.count; first += kChunk) {
    const std::size_t count = std::min(kChunk, job.x.count - first);
    for (std::size_t i = 0; i < count; ++i) load_scales(job, first + i, block, scales[i]);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t* words = codes + job.x.columns[first + i] * stride;
      NIBBLE_UNROLL
      for (std::size_t part = 0; part < kParts; ++part) {
        const auto early = hn::LoadU(U32Tag(), words + part * kLanes);
        add_strips<kFirstStrip, kCount>({early, hn::ShiftRight<12>(early)}, scales[i], part, sums);
      }
    }
  }
}

// All blocks in one function: the masks and magic numbers then stay in registers.
template <std::size_t kFirstStrip, std::size_t kCount, bool kRelu>
HWY_NOINLINE void gather_strips(const Job& job) {
  const F32Tag d;
  for (std::size_t block = 0; block < job.weights->blocks(); ++block) {
    F32Vec sums[kCount][kParts];
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < kCount; ++k) {
      NIBBLE_UNROLL
      for (std::size_t part = 0; part < kParts; ++part) sums[k][part] = hn::Zero(d);
    }
    sum_strips<kFirstStrip, kCount>(job, block, sums);
    const std::size_t strips = strips_of(job, block);
    const std::size_t first = block * Int4Gathered::kBlock + kFirstStrip * kStripWidth;
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < kCount; ++k) {
      if (kFirstStrip + k >= strips) break;
      NIBBLE_UNROLL
      for (std::size_t part = 0; part < kParts; ++part) {
        const std::size_t o = first + k * kStripWidth + part * kLanes;
        const F32Vec sum = hn::Mul(sums[k][part], hn::Set(d, kUnscale[kFirstStrip + k]));
        const F32Vec product = hn::Mul(sum, hn::Set(d, job.x.scale.scale));
        const F32Vec value = hn::Add(product, hn::LoadU(d, job.finish.bias + o));
        hn::StoreU(rectified(value, kRelu), d, job.y + o);
      }
    }
  }
}

template <bool kRelu>
void gather(const Job& job) {
#if NIBBLE_AVX512
  gather_strips<0, 8, kRelu>(job);
#elif HWY_TARGET == HWY_AVX2
  gather_strips<0, 4, kRelu>(job);
  gather_strips<4, 4, kRelu>(job);
#else
  gather_strips<0, 2, kRelu>(job);
  gather_strips<2, 2, kRelu>(job);
  gather_strips<4, 2, kRelu>(job);
  gather_strips<6, 2, kRelu>(job);
#endif
}

void gather(const Job& job) {
  if (job.finish.relu) return gather<true>(job);
  gather<false>(job);
}

#endif  // NIBBLE_PLAIN_LOOPS

void sparse_int4(const SparseQuantizedRow& x, const Int4Gathered& weights, const Finish& finish,
                 float* y) {
  gather(Job{x, &weights, finish, y});
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

NIBBLE_EXPORT(sparse_int4);

void int4_sparse(const SparseQuantizedRow& x, const Int4Gathered& weights, const Finish& finish,
                 float* y) {
  NIBBLE_DISPATCH(sparse_int4)(x, weights, finish, y);
}

}  // namespace nibble
#endif  // HWY_ONCE
