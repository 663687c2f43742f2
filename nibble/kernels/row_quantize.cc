#include "nibble/kernels/row_quantize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nibble/kernels/packed.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/row_quantize.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// Values i .. i+kLanes-1, zeros beyond the last of `count`.
HWY_INLINE F32Vec load_up_to(const float* values, std::size_t i, std::size_t count) {
  const F32Tag d;
  if (i + kLanes <= count) return hn::LoadU(d, values + i);
  alignas(64) float padded_values[kLanes] = {};
  std::memcpy(padded_values, values + i, (count - i) * sizeof(float));
  return hn::Load(d, padded_values);
}

ValueRange range_of(const float* values, std::size_t count) {
  const F32Tag d;
  F32Vec low = hn::Zero(d);
  F32Vec high = hn::Zero(d);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const F32Vec value = load_up_to(values, i, count);
    low = hn::Min(low, value);
    high = hn::Max(high, value);
  }
  return {hn::GetLane(hn::MinOfLanes(d, low)), hn::GetLane(hn::MaxOfLanes(d, high))};
}

// Leaves at the first value that is not whole: mostly among the first few.
bool all_whole(const float* values, std::size_t count) {
  const F32Tag d;
  for (std::size_t i = 0; i < count; i += kLanes) {
    const F32Vec value = load_up_to(values, i, count);
    if (!hn::AllTrue(d, hn::Eq(hn::Round(value), value))) return false;
  }
  return true;
}

HWY_INLINE void store_bytes(I32Vec value, std::uint8_t* bytes) {
#if NIBBLE_AVX512
  const __m512i positive = _mm512_max_epi32(value.raw, _mm512_setzero_si512());
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm512_cvtusepi32_epi8(positive));
#else
  const hn::Rebind<std::uint8_t, I32Tag> narrow;
  hn::StoreU(hn::DemoteTo(narrow, value), narrow, bytes);
#endif
}

void scale_to_bytes(const float* values, std::size_t count, float inverse_scale,
                    std::int32_t offset, std::uint8_t* bytes) {
  const F32Tag d;
  const F32Vec factor = hn::Set(d, inverse_scale);
  const I32Vec shift = hn::Set(I32Tag(), offset);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const F32Vec value = hn::Mul(load_up_to(values, i, count), factor);
    store_bytes(hn::Add(hn::NearestInt(value), shift), bytes + i);
  }
}

void clear_padding(std::size_t count, std::uint8_t* bytes) {
  std::memset(bytes + count, 0, round_up(count, 64) - count);
}

RowScale quantize(const float* values, std::size_t count, std::uint8_t* bytes) {
  const ValueRange range = range_of(values, count);
  const bool is_unsigned = range.low == 0.0F;
  const float largest = std::max(-range.low, range.high);
  const float highest = is_unsigned ? 255.0F : 127.0F;
  RowScale row{1.0F, is_unsigned ? 0 : 128};
  if (largest > highest || !all_whole(values, count)) row.scale = largest / highest;
  if (std::isinf(1.0F / row.scale)) row.scale = 1.0F;
  scale_to_bytes(values, count, 1.0F / row.scale, row.offset, bytes);
  clear_padding(count, bytes);
  return row;
}

void quantize_with(RowScale row, const float* values, std::size_t count, std::uint8_t* bytes) {
  const float inverse = 1.0F / row.scale;
  const auto zero_point = static_cast<float>(row.offset);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  const F32Tag d;
  for (std::size_t i = 0; i < count; i += kLanes) {
    const F32Vec value =
        hn::MulAdd(load_up_to(values, i, count), hn::Set(d, inverse), hn::Set(d, zero_point));
    store_bytes(hn::NearestInt(value), bytes + i);
  }
#else
  // Without fused multiply-add in hardware; this scheme needs it to be fused.
  for (std::size_t i = 0; i < count; ++i) {
    const float steps = std::nearbyint(std::fma(values[i], inverse, zero_point));
    bytes[i] = static_cast<std::uint8_t>(std::clamp(steps, 0.0F, 255.0F));
  }
#endif
  clear_padding(count, bytes);
}

#if NIBBLE_PLAIN_LOOPS

std::size_t non_zeros(const float* row, std::size_t count, std::size_t limit,
                      std::uint32_t* columns, float* values) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < count && found <= limit; ++i) {
    if (row[i] == 0.0F) continue;
    columns[found] = static_cast<std::uint32_t>(i);
    values[found++] = row[i];
  }
  return found;
}

#else

// Compress into a register, then store whole: VPCOMPRESSD to memory is microcode on Zen 4.
std::size_t non_zeros(const float* row, std::size_t count, std::size_t limit,
                      std::uint32_t* columns, float* values) {
  const F32Tag d;
  const U32Tag du;
  std::size_t found = 0;
  for (std::size_t i = 0; i < count && found <= limit; i += kLanes) {
    const F32Vec value = load_up_to(row, i, count);
    const auto used = hn::Ne(value, hn::Zero(d));
    if (hn::AllFalse(d, used)) continue;
    const auto column = hn::Iota(du, static_cast<std::uint32_t>(i));
    hn::StoreU(hn::Compress(value, used), d, values + found);
    hn::StoreU(hn::Compress(column, hn::RebindMask(du, used)), du, columns + found);
    found += hn::CountTrue(d, used);
  }
  return found;
}

#endif  // NIBBLE_PLAIN_LOOPS

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

HWY_EXPORT(quantize);
HWY_EXPORT(quantize_with);
HWY_EXPORT(range_of);
HWY_EXPORT(non_zeros);

RowScale quantize_row(const float* values, std::size_t count, std::uint8_t* bytes) {
  return HWY_DYNAMIC_DISPATCH(quantize)(values, count, bytes);
}

void quantize_row_with(RowScale scale, const float* values, std::size_t count,
                       std::uint8_t* bytes) {
  HWY_DYNAMIC_DISPATCH(quantize_with)(scale, values, count, bytes);
}

ValueRange range_with_zero(const float* values, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(range_of)(values, count);
}

std::size_t find_non_zeros(const float* row, std::size_t count, std::size_t limit,
                           std::uint32_t* columns, float* values) {
  return HWY_DYNAMIC_DISPATCH(non_zeros)(row, count, limit, columns, values);
}

}  // namespace nibble
#endif  // HWY_ONCE
