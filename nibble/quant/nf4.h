// NF4 (Dettmers et al., QLoRA, 2305.14314, appendix E): 16 levels that normal weights fill evenly,
// zero among them, from -1 to 1. With the scale searched by squared error (QLoRA takes the largest
// weight), its error in groups of 32 normal weights is about that of int4 in the same bits; it
// gains where tails are long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace nibble {

inline constexpr std::array<float, 16> kNf4Levels = {-1.0F,
                                                     -0.6961928009986877F,
                                                     -0.5250730514526367F,
                                                     -0.39491748809814453F,
                                                     -0.28444138169288635F,
                                                     -0.18477343022823334F,
                                                     -0.09105003625154495F,
                                                     0.0F,
                                                     0.07958029955625534F,
                                                     0.16093020141124725F,
                                                     0.24611230194568634F,
                                                     0.33791524171829224F,
                                                     0.44070982933044434F,
                                                     0.5626170039176941F,
                                                     0.7229568362236023F,
                                                     1.0F};

struct Nf4Code {
  static constexpr bool kScaleMatters = true;
  float reach() const { return 1.0F; }
  float fine() const { return 1.02F; }
  float first() const { return 0.66F; }
  bool is_even_handed() const { return false; }

  float nearest(float x) const { return kNf4Levels[index_of(x)]; }
  std::uint8_t code_of(float level) const { return static_cast<std::uint8_t>(index_of(level)); }
  float level_of(std::uint8_t code) const { return kNf4Levels[code]; }

 private:
  // How many of the middles between neighbouring levels lie below x.
  static std::size_t index_of(float x) {
    std::size_t index = 0;
    for (std::size_t i = 0; i + 1 < kNf4Levels.size(); ++i)
      index += x > 0.5F * (kNf4Levels[i] + kNf4Levels[i + 1]) ? 1 : 0;
    return index;
  }
};

}  // namespace nibble
