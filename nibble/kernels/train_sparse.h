// The first layer of a sparse batch: its touched weight rows only.
//
// A weight row, called a record, is 3 x width floats: weights, first moments, second moments (each
// width long, 64-byte aligned). One record lies in one or two pages, so a visit costs few
// translations. Work is cut by columns: every door below handles the columns
// [column, column + columns) of all its rows, both multiples of kTrainLanes.
//
// The moments of a record stand at the step of its last gradient; its weights at some later step.
// What Adam would have done in between is added in one go (train/lazy_adam.h has the formula).
#pragma once

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/adam.h"

namespace nibble {

// One row of the batch in which a feature occurs.
struct Occurrence {
  std::uint32_t row = 0;
  float value = 0.0F;
};

// w -= rate * m / (sqrt(v) + epsilon) * (1 + (spread / (sqrt(v) + epsilon))^2); rate 0: nothing to
// do.
struct CatchUp {
  float rate = 0.0F;
  float epsilon = 0.0F;
  float spread = 0.0F;
};

struct TouchedRecord {
  float* record = nullptr;
  std::uint32_t first = 0;  // into the batch's occurrences
  std::uint32_t count = 0;
  CatchUp catch_up;
  float keep_m = 0.0F;  // b1^k, k steps since the last gradient
  float keep_v = 0.0F;  // b2^k
};

struct SparseBatch {
  const TouchedRecord* touched = nullptr;
  std::size_t touched_count = 0;
  const Occurrence* occurrences = nullptr;
  std::size_t width = 0;  // floats in a weight row, also the stride of y and dy
};

// Brings the weights up to date and adds value * weights to row `row` of y (which starts as the
// bias).
void train_sparse_forward(const SparseBatch& batch, std::size_t column, std::size_t columns,
                          float* y);

// The moments take in the gradient, sum of value * dy[row]. The weights follow at the next
// catch-up.
void train_sparse_backward(const SparseBatch& batch, const AdamStep& step, std::size_t column,
                           std::size_t columns, const float* dy);

// Brings the whole weight row of one record up to date.
void train_catch_up(const CatchUp& catch_up, std::size_t width, float* record);

}  // namespace nibble
