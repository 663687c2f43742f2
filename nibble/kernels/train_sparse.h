// The first layer of a sparse batch: its touched weight rows only.
//
// The columns are cut into blocks. Of a block a feature has a record: its weights, first moments
// and second moments in one piece, so that a visit reads one run of memory. A feature's records of
// all blocks lie side by side: then the later blocks of a step find a feature's page among those
// just translated. With a memory of its own for each block, 1 M features took 1.6 times as long to
// fetch.
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

// w -= fall * w + rate * m / (sqrt(v) + epsilon) * (1 + (spread / (sqrt(v) + epsilon))^2).
// `epsilon` is above 0 where there is anything to do.
struct CatchUp {
  float rate = 0.0F;
  float epsilon = 0.0F;
  float spread = 0.0F;
  float fall = 0.0F;
  bool does_nothing() const { return rate == 0.0F && fall == 0.0F; }
};

struct TouchedFeature {
  std::uint32_t feature = 0;
  std::uint32_t first = 0;  // into the batch's occurrences
  std::uint32_t count = 0;
  CatchUp catch_up;     // before forward
  CatchUp follow;       // after backward, from the moments with this batch's gradient
  float keep_m = 0.0F;  // b1^k, k steps since the last gradient
  float keep_v = 0.0F;  // b2^k
};

struct SparseBatch {
  const TouchedFeature* touched = nullptr;
  std::size_t touched_count = 0;
  const Occurrence* occurrences = nullptr;
};

// One block of columns.
struct ColumnBlock {
  float* records = nullptr;  // of feature 0
  std::size_t columns = 0;   // multiple of kTrainLanes
  std::size_t stride = 0;    // floats from one feature's record to the next one's
};

// Brings the weights of the touched features up to date and adds value * weights to row `row` of y
// (rows `stride` apart, which start as the bias).
void train_sparse_forward(const SparseBatch& batch, const ColumnBlock& block, float* y,
                          std::size_t stride);

// The moments take in the gradient, sum of value * dy[row]. The weights follow at once where the
// batch says how (`follow`), else at the next catch-up.
void train_sparse_backward(const SparseBatch& batch, const ColumnBlock& block, const AdamStep& step,
                           const float* dy, std::size_t stride);

// Brings the weights of one feature up to date.
void train_catch_up(const CatchUp& catch_up, const ColumnBlock& block, std::size_t feature);

}  // namespace nibble
