// fp8 e4m3 ("OCP 8-bit Floating Point", 2023; torch.float8_e4m3fn): sign, 4 bits of exponent with
// bias 7, 3 of fraction. Levels 0, subnormals from 2^-9, normal numbers 2^-6 .. 448; no infinity;
// 0x7F and 0xFF are NaN and never stored. Rounding to nearest, ties to even; beyond 448 it stays
// 448.
//
// A relative error of at most 1/16 for weights of any size, where int8's steps are all alike:
// better than int8 when a few weights tower over the rest, worse by about 2.5 times in error when
// they are normal. A scale matters little: only by where the largest weights lie within their power
// of two.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace nibble {

inline constexpr float kLargestFp8 = 448.0F;

struct Fp8Code {
  static constexpr bool kScaleMatters = true;
  float reach() const { return kLargestFp8; }
  // A power of two is the whole period of the error, which jumps where weights pass one.
  float fine() const { return 1.005F; }
  float first() const { return 0.5F; }
  bool is_even_handed() const { return true; }

  float nearest(float x) const {
    const float magnitude = std::min(std::fabs(x), kLargestFp8);
    const std::uint32_t magic = exponent_of(magnitude) + kMagicSteps;
    const float rounded = (magnitude + std::bit_cast<float>(magic)) - std::bit_cast<float>(magic);
    return std::copysign(rounded, x);
  }
  // Of a level: 8 steps of 2^(e-3) fill a power of two, and 8 more codes come before each.
  std::uint8_t code_of(float level) const {
    const float magnitude = std::fabs(level);
    const std::uint32_t exponent = exponent_of(magnitude);
    const auto steps =
        static_cast<std::uint32_t>(magnitude / std::bit_cast<float>(exponent - (3U << kFraction)));
    const std::uint32_t sign = std::signbit(level) ? 0x80U : 0U;
    return static_cast<std::uint8_t>(sign |
                                     (((exponent - kSmallestNormal) >> kFraction) * 8 + steps));
  }
  float level_of(std::uint8_t code) const {
    const unsigned exponent = code >> 3 & 15U;
    const auto fraction = static_cast<float>((code & 7U) + (exponent > 0 ? 8U : 0U));
    const float magnitude = std::ldexp(fraction, static_cast<int>(std::max(exponent, 1U)) - 10);
    return (code & 0x80U) != 0 ? -magnitude : magnitude;
  }

 private:
  static constexpr unsigned kFraction = 23;                     // bits of float32's
  static constexpr std::uint32_t kSmallestNormal = 121U << 23;  // 2^-6
  static constexpr std::uint32_t kMagicSteps = 20U << 23;       // makes float32 round to 2^(e-3)
  static std::uint32_t exponent_of(float magnitude) {
    return std::max(std::bit_cast<std::uint32_t>(magnitude) & 0x7F800000U, kSmallestNormal);
  }
};

inline bool is_fp8_nan(std::uint8_t code) { return (code & 0x7FU) == 0x7FU; }

}  // namespace nibble
