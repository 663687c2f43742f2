// The first layer for sparse rows: visits only the weight rows a batch touches and gives dense
// Adam's results all the same (lazy_adam.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/core/threads.h"
#include "nibble/data/rows.h"
#include "nibble/kernels/train_sparse.h"
#include "nibble/network/mlp.h"
#include "nibble/train/lazy_adam.h"
#include "nibble/train/padded.h"

namespace nibble {

class SparseLayer {
 public:
  SparseLayer(const Linear& layer, const TrainSettings& settings, std::uint32_t steps);

  std::size_t width() const { return width_; }  // outputs, padded
  // The work of forward and backward is cut by columns into this many pieces.
  std::size_t pieces() const;

  // Step `step` (1, 2, ...) will be about these rows. Then every piece of forward, then every piece
  // of backward.
  void begin(const SparseRowsView& rows, std::span<const std::uint32_t> batch, std::uint32_t step);
  void forward(std::size_t piece, float* y) const;                          // batch x width
  void backward(std::size_t piece, const AdamStep& step, const float* dy);  // batch x width

  // All weights as they are after step `step`.
  void catch_up(std::uint32_t step, ThreadPool& pool);
  // After catch_up: one row's outputs, bias included.
  void apply(std::span<const std::uint32_t> indices, std::span<const float> values, float* y) const;
  void write_to(Linear& layer, ThreadPool& pool) const;

 private:
  // The last step whose gradient the moments hold (0: none yet), and the last step the weights have
  // taken.
  struct Mark {
    std::uint32_t gradient = 0;
    std::uint32_t weights = 0;
  };
  float* record(std::size_t feature) { return records_.data() + feature * 3 * width_; }
  const float* record(std::size_t feature) const { return records_.data() + feature * 3 * width_; }
  void place_occurrences(const SparseRowsView& rows, std::span<const std::uint32_t> batch);
  void touch(std::uint32_t feature, std::uint32_t step);
  CatchUp take_catch_up(std::uint32_t feature, std::uint32_t step);
  SparseBatch batch() const;

  std::size_t inputs_ = 0;
  std::size_t outputs_ = 0;
  std::size_t width_ = 0;
  std::size_t rows_ = 0;  // of the batch
  LazyAdam adam_;
  AlignedVector<float> records_;  // inputs x 3 x width: weights, m, v
  Moments bias_;
  std::vector<Mark> marks_;              // of each feature
  std::vector<std::uint32_t> slots_;     // of each feature: its place in touched_, when there
  std::vector<std::uint32_t> features_;  // of each place in touched_
  std::vector<TouchedRecord> touched_;
  std::vector<Occurrence> occurrences_;
};

}  // namespace nibble
