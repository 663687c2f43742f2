// Rounding of floats in a form that a compiler vectorises, without a call per element.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace nibble {

// 1.5 * 2^23. Between 2^23 and 2^24 neighbouring floats are 1 apart, so adding this to x rounds x
// to a whole number in the current mode (ties to even), and the sum's bits count up with that
// number.
inline constexpr float kRoundingMagic = 0x1.8p23F;

// nearbyint(x) as an integer, for |x| <= 2^22. Infinity and NaN give some integer beyond that.
inline std::int32_t round_half_even(float x) {
  return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x + kRoundingMagic) -
                                   std::bit_cast<std::uint32_t>(kRoundingMagic));
}

// The same, clamped. Clamping comes after rounding, on integers: GCC 12 turns two float comparisons
// in a row into branches, which no loop can vectorise.
inline std::int32_t round_clamped(float x, std::int32_t lowest, std::int32_t highest) {
  return std::max(lowest, std::min(highest, round_half_even(x)));
}

// |x|'s bits: they order like |x| itself, and integer maxima vectorise where float maxima (NaN, -0)
// do not. For finite x.
inline std::int32_t magnitude_bits(float x) { return std::bit_cast<std::int32_t>(std::fabs(x)); }

}  // namespace nibble
