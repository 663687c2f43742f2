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

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// Values i .. i+kLanes-1, zeros beyond the last of `count`.
HWY_INLINE F32Vec load_up_to(const float* values, std::size_t i, std::size_t count) {
  const F32Tag d;
  if (i + kLanes <= count) return hn::LoadU(d, values + i);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(d, count - i), d, values + i);
#else
  alignas(64) float padded_values[kLanes] = {};
  std::memcpy(padded_values, values + i, (count - i) * sizeof(float));
  return hn::Load(d, padded_values);
#endif
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

// The largest value if none has its sign bit set, else a negative number or NaN. Bits of floats
// without a sign order like unsigned integers, and a sign bit makes the largest of all.
HWY_INLINE float largest_if_positive(const float* values, std::size_t count) {
  const U32Tag d;
  using Bits = hn::Vec<U32Tag>;
  const auto* bits = reinterpret_cast<const std::uint32_t*>(values);
  Bits largest[4];
  NIBBLE_UNROLL
  for (std::size_t k = 0; k < 4; ++k) largest[k] = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < 4; ++k)
      largest[k] = hn::Max(largest[k], hn::LoadU(d, bits + i + k * kLanes));
  }
  for (; i < count; i += kLanes)
    largest[0] = hn::Max(largest[0], hn::BitCast(d, load_up_to(values, i, count)));
  const Bits all = hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3]));
  return hn::GetLane(hn::BitCast(F32Tag(), hn::MaxOfLanes(d, all)));
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

// 1.5 * 2^23: floats of that size are 1 apart, so that adding it rounds to a whole number, ties to
// even, and leaves that number in the lowest bits. Good for up to 2^22 steps; a byte needs 2^8.
constexpr float kRoundingMagic = 0x1.8p23F;

// Four vectors of rounded steps (in the form above) to their lowest bytes.
constexpr std::size_t kByteLanes = 4 * kLanes;

#if NIBBLE_VNNI

alignas(64) constexpr std::uint8_t kLowBytes[64] = {
    0,  4,  8,  12, 16, 20, 24, 28, 32, 36,  40,  44,  48,  52,  56,  60,
    64, 68, 72, 76, 80, 84, 88, 92, 96, 100, 104, 108, 112, 116, 120, 124,
    0,  4,  8,  12, 16, 20, 24, 28, 32, 36,  40,  44,  48,  52,  56,  60,
    64, 68, 72, 76, 80, 84, 88, 92, 96, 100, 104, 108, 112, 116, 120, 124};

HWY_INLINE void store_bytes(const I32Vec (&steps)[4], std::uint8_t* bytes) {
  const __m512i low_bytes = _mm512_load_si512(kLowBytes);
  const __m512i first = _mm512_permutex2var_epi8(steps[0].raw, low_bytes, steps[1].raw);
  const __m512i second = _mm512_permutex2var_epi8(steps[2].raw, low_bytes, steps[3].raw);
  _mm512_storeu_si512(bytes, _mm512_mask_blend_epi32(0xFF00, first, second));
}

#else

HWY_INLINE void store_bytes(const I32Vec (&steps)[4], std::uint8_t* bytes) {
  const hn::Rebind<std::uint8_t, I32Tag> narrow;
  for (std::size_t k = 0; k < 4; ++k) {
    const I32Vec low = hn::And(steps[k], hn::Set(I32Tag(), 0xFF));
    hn::StoreU(hn::DemoteTo(narrow, low), narrow, bytes + k * kLanes);
  }
}

#endif

template <typename ToSteps>
HWY_INLINE void convert_row(const float* values, std::size_t count, const ToSteps& to_steps,
                            std::uint8_t* bytes) {
  const F32Tag d;
  I32Vec steps[4];
  std::size_t i = 0;
  for (; i + kByteLanes <= count; i += kByteLanes) {
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < 4; ++k)
      steps[k] = to_steps.apply(hn::LoadU(d, values + i + k * kLanes));
    store_bytes(steps, bytes + i);
  }
  if (i == count) return;
  NIBBLE_UNROLL
  for (std::size_t k = 0; k < 4; ++k) {
    const std::size_t at = std::min(i + k * kLanes, count);
    steps[k] = to_steps.apply(load_up_to(values, at, count));
  }
  store_bytes(steps, bytes + i);
}

// No clamping: a value is at most the largest, and that many steps round to 255 or 127 in spite of
// the error in the reciprocal (2^-21 at most, where the scale is almost too small for one).
struct ScaleSteps {
  F32Vec factor;
  F32Vec magic;  // kRoundingMagic + offset
  HWY_INLINE I32Vec apply(F32Vec value) const {
    return hn::BitCast(I32Tag(), hn::Add(hn::Mul(value, factor), magic));
  }
};

// After convert_row, which has written `offset` for what lies beyond the row in its last vectors. A
// row of nothing has no bytes at all.
void clear_padding(std::size_t count, std::int32_t offset, std::uint8_t* bytes) {
  const std::size_t from = offset == 0 ? round_up(count, kByteLanes) : count;
  const std::size_t end = round_up(count, 64);
  if (from < end) std::memset(bytes + from, 0, end - from);
}

// `largest`: largest_if_positive of the row.
HWY_INLINE RowScale choose_scale(float largest, const float* values, std::size_t count) {
  RowScale row{1.0F, 0};
  if (!(largest >= 0.0F)) {
    const ValueRange range = range_of(values, count);
    largest = std::max(-range.low, range.high);
    row.offset = range.low == 0.0F ? 0 : 128;
  }
  const float highest = row.offset == 0 ? 255.0F : 127.0F;
  if (largest > highest || !all_whole(values, count)) row.scale = largest / highest;
  if (std::isinf(1.0F / row.scale)) row.scale = 1.0F;
  return row;
}

// A few rows at a time, step by step: the next row's maximum and divisions need not wait for the
// last one's.
constexpr std::size_t kTogether = 8;

void quantize_few(const FloatRows& x, std::size_t count, std::uint8_t* bytes, RowScale* scales) {
  float largest[kTogether];
  for (std::size_t r = 0; r < x.rows; ++r)
    largest[r] = largest_if_positive(x.values + r * x.stride, count);
  for (std::size_t r = 0; r < x.rows; ++r)
    scales[r] = choose_scale(largest[r], x.values + r * x.stride, count);
  const std::size_t stride = round_up(count, 64);
  for (std::size_t r = 0; r < x.rows; ++r) {
    const ScaleSteps steps{
        hn::Set(F32Tag(), 1.0F / scales[r].scale),
        hn::Set(F32Tag(), kRoundingMagic + static_cast<float>(scales[r].offset))};
    convert_row(x.values + r * x.stride, count, steps, bytes + r * stride);
    clear_padding(count, scales[r].offset, bytes + r * stride);
  }
}

void quantize(const FloatRows& x, std::size_t count, std::uint8_t* bytes, RowScale* scales) {
  for (std::size_t r = 0; r < x.rows; r += kTogether) {
    const FloatRows few{x.values + r * x.stride, x.stride, std::min(kTogether, x.rows - r)};
    quantize_few(few, count, bytes + r * round_up(count, 64), scales + r);
  }
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

struct FusedSteps {
  F32Vec factor;
  F32Vec offset;
  HWY_INLINE I32Vec apply(F32Vec value) const {
    const F32Vec steps = hn::MulAdd(value, factor, offset);
    const F32Vec clamped = hn::Min(hn::Max(steps, hn::Zero(F32Tag())), hn::Set(F32Tag(), 255.0F));
    return hn::BitCast(I32Tag(), hn::Add(clamped, hn::Set(F32Tag(), kRoundingMagic)));
  }
};

void quantize_row_with(RowScale row, const float* values, std::size_t count, std::uint8_t* bytes) {
  const FusedSteps steps{hn::Set(F32Tag(), 1.0F / row.scale),
                         hn::Set(F32Tag(), static_cast<float>(row.offset))};
  convert_row(values, count, steps, bytes);
  clear_padding(count, row.offset, bytes);
}

#else

void quantize_row_with(RowScale row, const float* values, std::size_t count, std::uint8_t* bytes) {
  const float inverse = 1.0F / row.scale;
  const auto zero_point = static_cast<float>(row.offset);
  for (std::size_t i = 0; i < count; ++i) {
    const float steps = std::clamp(plain_fma(values[i], inverse, zero_point), 0.0F, 255.0F);
    const float rounded = steps + kRoundingMagic;
    std::uint32_t bits;
    std::memcpy(&bits, &rounded, sizeof(bits));
    bytes[i] = static_cast<std::uint8_t>(bits & 0xFFU);
  }
  std::fill(bytes + count, bytes + round_up(count, 64), std::uint8_t{0});
}

#endif

void quantize_with(RowScale row, const FloatRows& x, std::size_t count, std::uint8_t* bytes) {
  for (std::size_t r = 0; r < x.rows; ++r)
    quantize_row_with(row, x.values + r * x.stride, count, bytes + r * round_up(count, 64));
}

// Bits are looked at, not floats: a thread that takes subnormals as zero must not lose them.
HWY_INLINE void append_used(const std::uint32_t* words, std::size_t first, std::size_t last,
                            std::uint32_t* positions, std::uint32_t* values, std::size_t& found) {
  for (std::size_t i = first; i < last; ++i) {
    positions[found] = static_cast<std::uint32_t>(i);
    values[found] = words[i];
    found += (words[i] << 1U) != 0 ? 1 : 0;  // no branch: as good as random after ReLU
  }
}

#if NIBBLE_AVX512

// Compress into a register, then store whole: VPCOMPRESSD to memory is microcode on Zen 4. The
// numbers start from a table: GCC 12 builds Highway's Iota by 16 stores at every use. (Without
// AVX-512, Highway's Compress copies its table to the stack at every use: the plain loop is
// several times as fast.)
alignas(64) constexpr std::uint32_t kFirstColumns[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                         8, 9, 10, 11, 12, 13, 14, 15};
HWY_INLINE void append_used_vector(const std::uint32_t* words, std::size_t first,
                                   std::uint32_t* positions, std::uint32_t* values,
                                   std::size_t& found) {
  const U32Tag d;
  const auto word = hn::LoadU(d, words + first);
  const auto used = hn::Ne(hn::Add(word, word), hn::Zero(d));
  const auto position =
      hn::Add(hn::Load(d, kFirstColumns), hn::Set(d, static_cast<std::uint32_t>(first)));
  hn::StoreU(hn::Compress(word, used), d, values + found);
  hn::StoreU(hn::Compress(position, used), d, positions + found);
  found += hn::CountTrue(d, used);
}

#endif

// A sparse row is mostly zeros: four vectors are looked at together and mostly passed over.
std::size_t used_words(const std::uint32_t* words, std::size_t count, std::size_t limit,
                       std::uint32_t* positions, std::uint32_t* values) {
  const U32Tag d;
  std::size_t found = 0;
  std::size_t i = 0;
  for (; i + 4 * kLanes <= count && found <= limit; i += 4 * kLanes) {
    auto any = hn::LoadU(d, words + i);
    NIBBLE_UNROLL
    for (std::size_t k = 1; k < 4; ++k) any = hn::Or(any, hn::LoadU(d, words + i + k * kLanes));
    if (hn::AllTrue(d, hn::Eq(any, hn::Zero(d)))) continue;
#if NIBBLE_AVX512
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < 4; ++k)
      append_used_vector(words, i + k * kLanes, positions, values, found);
#else
    append_used(words, i, i + 4 * kLanes, positions, values, found);
#endif
  }
  if (found <= limit) append_used(words, i, count, positions, values, found);
  return found;
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

NIBBLE_EXPORT(quantize);
NIBBLE_EXPORT(quantize_with);
NIBBLE_EXPORT(range_of);
NIBBLE_EXPORT(used_words);

void quantize_rows(const FloatRows& x, std::size_t count, std::uint8_t* bytes, RowScale* scales) {
  NIBBLE_DISPATCH(quantize)(x, count, bytes, scales);
}

void quantize_rows_with(RowScale scale, const FloatRows& x, std::size_t count,
                        std::uint8_t* bytes) {
  NIBBLE_DISPATCH(quantize_with)(scale, x, count, bytes);
}

ValueRange range_with_zero(const float* values, std::size_t count) {
  return NIBBLE_DISPATCH(range_of)(values, count);
}

std::size_t find_used_words(const std::uint32_t* words, std::size_t count, std::size_t limit,
                            std::uint32_t* positions, std::uint32_t* values) {
  return NIBBLE_DISPATCH(used_words)(words, count, limit, positions, values);
}

std::size_t find_non_zeros(const float* row, std::size_t count, std::size_t limit,
                           std::uint32_t* columns, float* values) {
  return find_used_words(reinterpret_cast<const std::uint32_t*>(row), count, limit, columns,
                         reinterpret_cast<std::uint32_t*>(values));
}

}  // namespace nibble
#endif  // HWY_ONCE
