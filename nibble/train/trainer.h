// The fast trainer: one step of forward, backward and Adam at what its non-zeros cost.
//
// A step is a few rounds of work, each cut into pieces that do not depend on the number of threads:
// first layer by columns; forward of the other layers and the loss by blocks of rows; backward and
// Adam layer by layer, by blocks of inputs; first layer's moments by columns. Every sum has one
// fixed order, so the same batches give the same bytes for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/core/threads.h"
#include "nibble/network/mlp.h"
#include "nibble/train/dropout.h"
#include "nibble/train/padded.h"
#include "nibble/train/sparse_layer.h"
#include "nibble/train/train.h"

namespace nibble {

struct Evaluation {
  double loss = 0.0;      // mean over the rows, dropout off
  double accuracy = 0.0;  // per cent
};

class Trainer {
 public:
  // Batches will be rows of `training`, at most settings.batch each, in at most `steps` steps. All
  // references must outlive the trainer.
  Trainer(const Mlp& initial, const LabelledRows& training, const TrainSettings& settings,
          std::uint32_t steps, ThreadPool& pool);

  // Trains on these rows once; the mean loss before the step.
  double step(std::span<const std::uint32_t> batch);
  Evaluation evaluate(const LabelledRows& data);
  // The parameters as they are now, into a network of the same shape.
  void write_to(Mlp& network);

 private:
  // What one layer gives for the rows of a batch: outputs (after ReLU and dropout, or logits), and
  // the loss's gradient by them before ReLU and dropout.
  struct Outputs {
    std::size_t units = 0;
    std::size_t width = 0;
    AlignedVector<float> value;
    AlignedVector<float> gradient;
  };

  void run(std::size_t pieces, const std::function<void(std::size_t)>& work);
  void forward_rows(std::size_t piece, std::span<const std::uint32_t> batch);
  void loss_of_rows(std::size_t first, std::size_t count, std::span<const std::uint32_t> batch);
  void dense_input_rows(std::size_t first, std::size_t count, std::span<const std::uint32_t> batch);
  void activate(std::size_t layer, std::size_t first, std::size_t count);
  void backward(std::size_t layer, std::size_t rows, const AdamStep& adam);
  void evaluate_rows(const LabelledRows& data, std::size_t first, std::size_t count,
                     std::span<double> losses, std::size_t& correct) const;
  void first_layer_apply(const RowsView& rows, std::size_t first, std::size_t count,
                         float* y) const;
  const DenseLayer& dense(std::size_t layer) const { return dense_[layer - first_dense_]; }
  DenseLayer& dense(std::size_t layer) { return dense_[layer - first_dense_]; }

  LabelledRows training_;
  const TrainSettings settings_;
  ThreadPool& pool_;
  std::optional<SparseLayer> sparse_;  // layer 0, when rows are sparse
  std::size_t first_dense_ = 0;        // 1 when layer 0 is sparse
  std::vector<DenseLayer> dense_;
  std::vector<Outputs> outputs_;  // of each layer
  std::size_t input_stride_ = 0;
  AlignedVector<float> input_;  // batch x input_stride: dense rows of the batch
  std::vector<double> losses_;  // of each row of the batch
  std::uint32_t steps_ = 0;
};

}  // namespace nibble
