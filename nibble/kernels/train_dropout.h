// ReLU and dropout of one row of hidden values, and the flush of denormal numbers.
//
// The random bits that decide about a value belong to (seed, step, layer, row, unit), not to the
// order of the work, so any number of threads and any vector width drop the same values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/adam.h"

namespace nibble {

// Units that share 64 Philox words: 16 counters x 4 words x two halves of 16 bits each.
inline constexpr std::size_t kDropoutBlock = 128;
inline constexpr std::size_t kDropoutCounters = 16;  // per block

// Which values of one row dropout keeps. Unit u looks at 16 bits, half j = (u % 128) / 16 of the
// Philox output (key: seed, RandomStream::kDropout) for the counter
// (first_counter + u / 128 * 16 + u % 16, counter_high), that is at word j / 2, shifted right by
// 16 * (j % 2). It is kept when they are at least `threshold`.
struct DropoutRow {
  std::uint32_t seed = 0;
  std::uint32_t first_counter = 0;
  std::uint64_t counter_high = 0;
  std::uint32_t threshold = 0;  // 65536 * p, rounded: p in steps of 1.5e-5
  float scale = 1.0F;           // 1 / (1 - p)
};

// y = max(0, y) * scale where kept, else 0. `y` is 64-byte aligned, `count` a multiple of
// kTrainLanes.
void train_relu_dropout(const DropoutRow& dropout, std::size_t count, float* y);

}  // namespace nibble
