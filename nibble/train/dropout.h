// Which hidden values dropout keeps, and the numbers the kernel needs to decide the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/train_dropout.h"

namespace nibble {

// Dropout of one layer in one step; probability 0 keeps everything. Probabilities come in steps of
// 1.5e-5 (train_dropout.h).
struct Dropout {
  double probability = 0.0;
  std::uint32_t seed = 0;
  std::uint64_t step = 0;  // 0-based, counted over all epochs
};

// What a kept value is multiplied by: 1 / (1 - p), or 1 when p is so small that nothing is dropped.
float dropout_scale(double probability);

// For row `row` of the batch after hidden layer `layer` (0-based) with `units` units.
DropoutRow dropout_row(const Dropout& dropout, std::size_t layer, std::size_t row,
                       std::size_t units);

// The textbook's view of the same: the factor of one value, 0 or 1/(1-p).
double dropout_factor(const Dropout& dropout, std::size_t layer, std::size_t row, std::size_t units,
                      std::size_t unit);

}  // namespace nibble
