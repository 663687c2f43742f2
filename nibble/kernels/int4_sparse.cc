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
    for (std::size_t o = 0; o < sums.size(); ++o) {
      const float scale = job.value(i) * float_from_half(scales[o / kGroup]);
      const auto nibble = static_cast<std::int32_t>((words[o % 16] >> (o / 16 * 4)) & 15U);
      sums[o] += scale * static_cast<float>(nibble - 8);
    }
  }
  for (std::size_t k = 0; k < strips_of(job, block) * kStripWidth; ++k) {
    const std::size_t o = block * Int4Gathered::kBlock + k;
    const float product = sums[k] * job.x.scale.scale;
    const float value = product + job.finish.bias[o];
    job.y[o] = job.finish.relu ? std::max(0.0F, value) : value;
  }
}

#else

// The codes in the low nibbles, as float32.
HWY_INLINE F32Vec codes_of(hn::Vec<U32Tag> words) {
#if NIBBLE_AVX512
  // A table of sixteen floats, which looks at four bits of its index and no more.
  const __m512 table = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
  return F32Vec{_mm512_permutexvar_ps(words.raw, table)};
#else
  const auto nibbles = hn::And(words, hn::Set(U32Tag(), 15));
  return hn::ConvertTo(F32Tag(), hn::Sub(hn::BitCast(I32Tag(), nibbles), hn::Set(I32Tag(), 8)));
#endif
}

// Sums of a block: strip k holds outputs 16k .. 16k+15 of it, in kParts vectors.
constexpr std::size_t kParts = kStripWidth / kLanes;

template <std::size_t kFirstStrip, std::size_t kCount>
HWY_NOINLINE void gather_strips(const Job& job, std::size_t block) {
  const F32Tag d;
  const hn::CappedTag<float, 4> four;
  F32Vec sums[kCount][kParts];
  NIBBLE_UNROLL
  for (std::size_t k = 0; k < kCount; ++k) {
    NIBBLE_UNROLL
    for (std::size_t part = 0; part < kParts; ++part) sums[k][part] = hn::Zero(d);
  }
  for (std::size_t i = 0; i < job.x.count; ++i) {
    const std::uint32_t* words = job.weights->row(job.x.columns[i]) + block * 16;
    alignas(16) float scales[4];
    hn::Store(hn::Mul(load_f16(four, job.weights->row_scales(job.x.columns[i]) + block * 4),
                      hn::Set(four, job.value(i))),
              four, scales);
    NIBBLE_UNROLL
    for (std::size_t part = 0; part < kParts; ++part) {
      auto shifted = hn::LoadU(U32Tag(), words + part * kLanes);
      if constexpr (kFirstStrip != 0) shifted = hn::ShiftRight<4 * kFirstStrip>(shifted);
      NIBBLE_UNROLL
      for (std::size_t k = 0; k < kCount; ++k) {
        const F32Vec scale = hn::Set(d, scales[(kFirstStrip + k) / 2]);
        sums[k][part] = hn::MulAdd(codes_of(shifted), scale, sums[k][part]);
        shifted = hn::ShiftRight<4>(shifted);
      }
    }
  }
  NIBBLE_UNROLL
  for (std::size_t k = 0; k < kCount; ++k) {
    if (kFirstStrip + k >= strips_of(job, block)) return;
    NIBBLE_UNROLL
    for (std::size_t part = 0; part < kParts; ++part) {
      const std::size_t o =
          block * Int4Gathered::kBlock + (kFirstStrip + k) * kStripWidth + part * kLanes;
      const F32Vec product = hn::Mul(sums[k][part], hn::Set(d, job.x.scale.scale));
      const F32Vec value = hn::Add(product, hn::LoadU(d, job.finish.bias + o));
      hn::StoreU(rectified(value, job.finish.relu), d, job.y + o);
    }
  }
}

void gather_block(const Job& job, std::size_t block) {
#if NIBBLE_AVX512
  gather_strips<0, 8>(job, block);
#elif HWY_TARGET == HWY_AVX2
  gather_strips<0, 4>(job, block);
  gather_strips<4, 4>(job, block);
#else
  gather_strips<0, 2>(job, block);
  gather_strips<2, 2>(job, block);
  gather_strips<4, 2>(job, block);
  gather_strips<6, 2>(job, block);
#endif
}

#endif  // NIBBLE_PLAIN_LOOPS

void sparse_int4(const SparseQuantizedRow& x, const Int4Gathered& weights, const Finish& finish,
                 float* y) {
  const Job job{x, &weights, finish, y};
  for (std::size_t block = 0; block < weights.blocks(); ++block) gather_block(job, block);
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

HWY_EXPORT(sparse_int4);

void int4_sparse(const SparseQuantizedRow& x, const Int4Gathered& weights, const Finish& finish,
                 float* y) {
  HWY_DYNAMIC_DISPATCH(sparse_int4)(x, weights, finish, y);
}

}  // namespace nibble
#endif  // HWY_ONCE
