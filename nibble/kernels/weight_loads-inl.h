// Loading vectors of weights as float32, one struct per encoding, compiled once per CPU level.
#if defined(NIBBLE_KERNELS_WEIGHT_LOADS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_KERNELS_WEIGHT_LOADS_INL_H_
#undef NIBBLE_KERNELS_WEIGHT_LOADS_INL_H_
#else
#define NIBBLE_KERNELS_WEIGHT_LOADS_INL_H_
#endif

#include <cstdint>

#include "nibble/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

struct LoadF32 {
  using Stored = float;
  static HWY_INLINE F32Vec load(const Stored* from) { return hn::LoadU(F32Tag(), from); }
};

// float16 bit patterns to float32, for as many lanes as D has.
template <class D>
HWY_INLINE hn::Vec<D> load_f16(D d, const std::uint16_t* from) {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3
  // No F16C. Moved to float32's place, the bits are the value divided by 2^112, subnormals and all;
  // infinities, which we never store, would come out as 2^16. Highway's way takes four times the
  // instructions.
  const hn::Rebind<std::uint16_t, D> narrow;
  const hn::Rebind<std::uint32_t, D> wide;
  const auto bits = hn::PromoteTo(wide, hn::LoadU(narrow, from));
  const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(wide, 0x8000U)));
  const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(wide, 0x7FFFU)));
  const auto value = hn::Mul(hn::BitCast(d, magnitude), hn::Set(d, 0x1p112F));
  return hn::Or(value, hn::BitCast(d, sign));
#else
  const hn::Rebind<hwy::float16_t, D> half;
  return hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(from)));
#endif
}

struct LoadF16 {
  using Stored = std::uint16_t;
  static HWY_INLINE F32Vec load(const Stored* from) { return load_f16(F32Tag(), from); }
};

#if NIBBLE_PLAIN_LOOPS
HWY_INLINE float float_from_half(std::uint16_t code) {
  return hn::GetLane(load_f16(hn::CappedTag<float, 1>(), &code));
}
#endif

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
