// One bit: w^ = scale or -scale. The best scale is the mean of |w| whatever the weights (Rastegari
// et al., XNOR-Net, 2016), so nothing is searched: error 1 - 2/pi = 0.363 of the variance on normal
// weights, 0.25 on uniform ones.
#pragma once

#include <cstdint>

namespace nibble {

struct BinaryCode {
  static constexpr bool kScaleMatters = false;
  float reach() const { return 1.0F; }
  float fine() const { return 2.0F; }
  float first() const { return 1.0F; }
  bool is_even_handed() const { return true; }
  float nearest(float x) const { return x < 0.0F ? -1.0F : 1.0F; }
  std::uint8_t code_of(float level) const { return level < 0.0F ? 0 : 1; }
  float level_of(std::uint8_t code) const { return code == 0 ? -1.0F : 1.0F; }
};

}  // namespace nibble
