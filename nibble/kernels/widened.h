// How much of a 16-bit matrix is widened to float32 at once, and for how many rows. Not for use
// outside this room.
#pragma once

#include <algorithm>
#include <cstddef>

#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"

namespace nibble {

// Of one panel: 128 KB of float32, which stay in L2 while all rows meet them.
inline constexpr std::size_t kWidenedInputs = 512;

// Widening costs about what one register tile of rows saves.
inline constexpr std::size_t kRowsToWidenFor = 4 * kTileRows;

// Elements of workspace.
constexpr std::size_t widened_workspace(std::size_t rows, std::size_t inputs) {
  if (rows < kRowsToWidenFor) return 0;
  return std::min(round_up(inputs, 2), kWidenedInputs) * kPanelWidth;
}

}  // namespace nibble
