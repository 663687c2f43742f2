// Pairs of bfloat16 in a 32-bit word, compiled once per CPU level.
#if defined(NIBBLE_KERNELS_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_KERNELS_BF16_INL_H_
#undef NIBBLE_KERNELS_BF16_INL_H_
#else
#define NIBBLE_KERNELS_BF16_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

using U32Vec = hn::Vec<U32Tag>;

// The two halves of each word as float32.
HWY_INLINE F32Vec upper_half(U32Vec pair) {
  return hn::BitCast(F32Tag(), hn::And(pair, hn::Set(U32Tag(), 0xFFFF0000U)));
}
HWY_INLINE F32Vec lower_half(U32Vec pair) { return hn::BitCast(F32Tag(), hn::ShiftLeft<16>(pair)); }

#if NIBBLE_VNNI

// Two vectors of float32 rounded to bfloat16, first value in the upper half of the first word, and
// so on. (Assembly: Highway 1.0.3 truncates instead of rounding.)
HWY_INLINE U32Vec rounded_pairs(F32Vec first, F32Vec second) {
  U32Vec pairs;
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(pairs.raw) : "v"(first.raw), "v"(second.raw));
  return U32Vec{_mm512_ror_epi32(pairs.raw, 16)};
}

// Rounds `count` values; the words up to the next multiple of 16 are filled, with zeros beyond the
// last value.
HWY_INLINE void round_to_pairs(const float* values, std::size_t count, std::uint32_t* pairs) {
  const F32Tag d;
  std::size_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    const U32Vec rounded =
        rounded_pairs(hn::LoadU(d, values + i), hn::LoadU(d, values + i + kLanes));
    hn::StoreU(rounded, U32Tag(), pairs + i / 2);
  }
  if (i == count) return;
  const std::size_t left = count - i;
  const F32Vec first = hn::MaskedLoad(hn::FirstN(d, left), d, values + i);
  const F32Vec second = left > kLanes
                            ? hn::MaskedLoad(hn::FirstN(d, left - kLanes), d, values + i + kLanes)
                            : hn::Zero(d);
  hn::StoreU(rounded_pairs(first, second), U32Tag(), pairs + i / 2);
}

#endif  // NIBBLE_VNNI

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
