#include "nibble/quant/half.h"

#include <algorithm>
#include <bit>

namespace nibble {
namespace {

constexpr std::uint32_t kInfinity = 0x7F800000;      // float32
constexpr std::uint32_t kExponentMask = 0x7F800000;  // float32
constexpr std::uint32_t kQuietBit = 1U << 22;        // float32
constexpr std::uint32_t kF16Overflow = 0x47800000;   // 65536.0F, the first power of two beyond f16
constexpr std::uint32_t kF16SmallestNormal = 113U << 23;  // 2^-14
constexpr float kF16Step = 0x1p-24F;
constexpr std::uint32_t kF16Infinity = 0x7C00;

// Branch-free forms below, so that loops over them vectorise.

// f16 steps in [2^e, 2^(e+1)) are 2^(e-10) apart, and 2^-24 below 2^-14. Adding 2^(e+13) makes
// float32 round to that very step; the sum's low bits then count the steps. A count that reaches
// the next power of two carries into the exponent by itself, up to infinity.
inline std::uint32_t f16_magnitude(std::uint32_t magnitude) {
  const std::uint32_t capped = std::min(magnitude, kF16Overflow);
  const std::uint32_t exponent = std::max(capped & kExponentMask, kF16SmallestNormal);
  const std::uint32_t magic = exponent + (13U << 23);
  const auto sum = std::bit_cast<float>(capped) + std::bit_cast<float>(magic);
  const std::uint32_t steps = std::bit_cast<std::uint32_t>(sum) - magic;
  return ((exponent - kF16SmallestNormal) >> 13) + steps;
}

inline std::uint16_t narrow_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  const std::uint32_t nan = kF16Infinity | 0x0200 | ((magnitude >> 13) & 0x03FF);
  const std::uint32_t code = magnitude > kInfinity ? nan : f16_magnitude(magnitude);
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000) | code);
}

// Normal numbers: move the fields and change the bias from 15 to 127. Infinity and NaN: exponent
// 31 must become 255, 112 more than the bias alone gives. Subnormals: a count of 2^-24.
inline float widen_f16(std::uint16_t code) {
  const std::uint32_t magnitude = code & 0x7FFFU;
  const std::uint32_t moved = (magnitude << 13) + (112U << 23);
  const std::uint32_t infinite = moved + (112U << 23);
  const std::uint32_t special = magnitude > kF16Infinity ? infinite | kQuietBit : infinite;
  const auto tiny = std::bit_cast<std::uint32_t>(
      static_cast<float>(static_cast<std::int32_t>(magnitude)) * kF16Step);
  const std::uint32_t finite = magnitude < 0x0400 ? tiny : moved;
  const std::uint32_t result = magnitude >= kF16Infinity ? special : finite;
  return std::bit_cast<float>(result | (code & 0x8000U) << 16);
}

// Half a step added, or just less where the kept part is even: ties go to even.
inline std::uint16_t narrow_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  const std::uint32_t nan = bits >> 16 | 0x0040;
  return static_cast<std::uint16_t>((bits & 0x7FFFFFFF) > kInfinity ? nan : nearest);
}

inline float widen_bf16(std::uint16_t code) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(code) << 16);
}

template <typename To, typename From, typename Convert>
Matrix<To> converted(const From& from, Convert convert) {
  Matrix<To> to(from.rows, from.columns);
  std::ranges::transform(from.values, to.values.begin(), convert);
  return to;
}

}  // namespace

std::uint16_t f16_from_float(float value) { return narrow_to_f16(value); }
float float_from_f16(std::uint16_t code) { return widen_f16(code); }
float rounded_to_f16(float value) {
  return float_from_f16(f16_from_float(std::clamp(value, -kLargestF16, kLargestF16)));
}
std::uint16_t f16_scale(float scale) {
  const std::uint16_t code = f16_from_float(std::clamp(scale, -kLargestF16, kLargestF16));
  const bool is_zero = (code & 0x7FFF) == 0;
  return is_zero ? static_cast<std::uint16_t>(code | 1) : code;
}

std::uint16_t bf16_from_float(float value) { return narrow_to_bf16(value); }
float float_from_bf16(std::uint16_t code) { return widen_bf16(code); }

F16Matrix encode_f16(const Matrix<float>& weight) {
  return {converted<std::uint16_t>(weight, [](float value) { return narrow_to_f16(value); })};
}
Matrix<float> decode(const F16Matrix& matrix) {
  return converted<float>(matrix.codes, [](std::uint16_t code) { return widen_f16(code); });
}

Bf16Matrix encode_bf16(const Matrix<float>& weight) {
  return {converted<std::uint16_t>(weight, [](float value) { return narrow_to_bf16(value); })};
}
Matrix<float> decode(const Bf16Matrix& matrix) {
  return converted<float>(matrix.codes, [](std::uint16_t code) { return widen_bf16(code); });
}

}  // namespace nibble
