// Whole numbers lowest..highest as codes 0..highest-lowest. Symmetric int b bits: -2^(b-1) ..
// 2^(b-1)-1, and the scale may be negative, which puts the longer side where the weights reach
// further. Asymmetric, with a zero point z of 0..2^b-1 for each block: -z .. 2^b-1-z, so that zero
// is always a level. Ternary: -1..1.
//
// Best error on normal weights in one large block, as a share of their variance: ternary 0.19, int2
// 0.132 (four levels off centre), int3 0.0375, int4 0.0115; a scale from the largest weight alone
// would lose all of it at 5 million weights, where that is 5.3 deviations away: hence the search
// (scale_search.h).
#pragma once

#include <algorithm>
#include <cstdint>

#include "nibble/quant/rounding.h"

namespace nibble {

struct IntegerCode {
  static constexpr bool kScaleMatters = true;
  std::int32_t lowest = -1;
  std::int32_t highest = 1;

  // How many scales a block's largest weight may lie from zero.
  float reach() const { return static_cast<float>(std::max(-lowest, highest)); }
  // Of the search for a scale: how far apart neighbouring candidates are (a quarter of a step), and
  // where they begin.
  float fine() const { return std::min(1.03F, 1.0F + 0.25F / reach()); }
  float first() const { return 0.66F; }
  bool is_even_handed() const { return lowest == -highest; }
  // The level for x, which is a weight divided by its scale.
  float nearest(float x) const { return static_cast<float>(round_clamped(x, lowest, highest)); }
  std::uint8_t code_of(float level) const {
    return static_cast<std::uint8_t>(static_cast<std::int32_t>(level) - lowest);
  }
  float level_of(std::uint8_t code) const { return static_cast<float>(lowest + code); }
};

inline IntegerCode ternary_code() { return {-1, 1}; }
inline IntegerCode symmetric_code(unsigned bits) {
  const std::int32_t half = 1 << (bits - 1);
  return {-half, half - 1};
}
inline IntegerCode asymmetric_code(unsigned bits, std::int32_t zero_point) {
  return {-zero_point, (1 << bits) - 1 - zero_point};
}

}  // namespace nibble
