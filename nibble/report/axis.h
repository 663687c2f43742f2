// Where the ticks of an axis go: at 1, 2 or 5 times a power of ten.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace nibble {

struct Axis {
  double low = 0.0;  // where the axis starts and ends: at a tick or beyond the data
  double high = 1.0;
  double step = 1.0;  // between ticks
  int decimals = 0;   // that tick labels need

  std::vector<double> ticks() const;  // ascending, inside [low, high]
  std::string label(double tick) const;
};

// About `wanted` ticks over data from `low` to `high`; equal or non-finite ends get some room.
Axis value_axis(double low, double high, std::size_t wanted);
// From 0, for bars.
Axis bar_axis(double high, std::size_t wanted);
// Whole epochs from 1 to `epochs`, with half an epoch of room on both sides.
Axis epoch_axis(std::size_t epochs, std::size_t wanted);

}  // namespace nibble
