// The fast trainer: one step of forward, backward and optimizer at what its non-zeros cost.
//
// A step is two rounds of work.
// Round of rows: each block of 8 rows goes through the layers to the loss and back to where the
// first dense layer ends.
// Round of blocks: that layer (the largest but for a sparse first layer) is cut by its inputs, and
// with it the columns of the sparse layer below. A block goes backward, takes its optimizer step,
// and at once forward again with the next step's rows, up to its part of the dense layer's sums.
// The weights and moments of a block are thus touched by one thread only, in one visit per step;
// the optimizer steps of the later layers are shared out among the blocks.
//
// Clipping by the norm of all gradients needs them before any weight moves: a round between the two
// computes them for their squares alone, and the optimizer's step takes in the factor.
//
// Nothing depends on the number of threads, and every sum has one fixed order, so the same batches
// give the same bytes for any number of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/core/threads.h"
#include "nibble/kernels/train_backward.h"
#include "nibble/network/mlp.h"
#include "nibble/train/dropout.h"
#include "nibble/train/padded.h"
#include "nibble/train/schedule.h"
#include "nibble/train/sparse_layer.h"
#include "nibble/train/train.h"
#include "nibble/train/training_loss.h"

namespace nibble {

struct Evaluation {
  double loss = 0.0;      // mean over the rows, dropout off
  double accuracy = 0.0;  // per cent
};

class Trainer {
 public:
  // For batches of at most settings.batch rows like those of `training`, in at most `steps` steps;
  // show() says which rows before the first. The pool must outlive the trainer.
  Trainer(const Mlp& initial, const RowSource& training, const TrainSettings& settings,
          std::uint32_t steps, ThreadPool& pool);
  // The same, with these rows shown.
  Trainer(const Mlp& initial, const LabelledRows& training, const TrainSettings& settings,
          std::uint32_t steps, ThreadPool& pool);

  // Trains on these rows once; the mean loss before the step. `next`, if not empty, must be the
  // batch of the next call: its work is begun already.
  double step(std::span<const std::uint32_t> batch, std::span<const std::uint32_t> next = {});
  // Batches to come are rows of `part`. Only before the first step, or after one without `next`.
  void show(const LabelledRows& part) { training_ = part; }
  // The coming steps take these rows of the part shown, settings.batch at a time, and with
  // `to_the_end` an evaluation follows. Need not be said; makes sparse rows cheaper.
  void expect(std::span<const std::uint32_t> order, bool to_the_end);
  // All rows of an epoch of `data`, which must have a batch of 1.
  Evaluation evaluate(RowSource& data);
  Evaluation evaluate(const LabelledRows& data);
  // The parameters as they are now, into a network of the same shape.
  void write_to(Mlp& network);

  // Between steps, the last of which had no `next`: all that the steps to come depend on. The
  // numbers are the trainer's own memory.
  TrainerState state();
  // Takes over a state of the same network and settings; an Error if sizes or steps do not fit.
  void restore(const TrainerState& state);

 private:
  // What one layer gives for the rows of a batch: outputs (after ReLU and dropout, or logits), and
  // the loss's gradient by them before ReLU and dropout.
  struct Outputs {
    std::size_t units = 0;
    std::size_t width = 0;
    AlignedVector<float> value;
    AlignedVector<float> gradient;
  };
  struct Range {
    std::size_t first = 0;
    std::size_t count = 0;
  };
  using Batch = std::span<const std::uint32_t>;

  void run(std::size_t pieces, const std::function<void(std::size_t)>& work);
  std::size_t layers() const { return outputs_.size(); }
  bool is_last(std::size_t layer) const { return layer + 1 == layers(); }
  const DenseLayer& dense(std::size_t layer) const { return dense_[layer - first_dense_]; }
  DenseLayer& dense(std::size_t layer) { return dense_[layer - first_dense_]; }
  // Whether a single thread takes all rows through the layers behind the first dense one, back, and
  // their weights through the optimizer in the same pass, while another prepares the next batch.
  // So it is where there is no other thread, and where these layers are small: to divide them, the
  // threads would pass weights and rows to and fro. Otherwise they go back by rows first, and the
  // weights follow by blocks. Each sum is the same either way.
  bool one_pass_back() const { return !clips() && (pool_.threads() == 1 || small_later_layers_); }
  std::vector<std::span<float>> numbers();
  bool clips() const { return settings_.clip_norm > 0.0; }
  Range block_inputs(std::size_t block) const;
  // Where a block of layer 0 finds its columns: its own memory, so that rows lie close together in
  // the caches, or the logits when there is no other layer.
  struct Columns {
    float* value;
    float* gradient;
    std::size_t stride;
  };
  Columns block_columns(std::size_t block);

  void prepare(Batch batch, std::uint32_t step);
  void begin_block(std::size_t block, Batch batch, std::uint32_t step);
  void begin_sparse_block(std::size_t block, std::size_t rows, std::uint32_t step);
  void begin_dense_block(std::size_t block, Batch batch);
  void finish_block(std::size_t block, std::size_t rows, const OptimizerStep& optimizer);
  void update_later_layers(std::size_t block, std::size_t rows, const OptimizerStep& optimizer);
  void work_rows(Range rows, Batch batch);
  void work_in_one_pass(Batch batch);
  void activate(std::size_t layer, Range rows);
  void loss_of_rows(Range rows, Batch batch);
  double clip_factor(std::size_t rows);
  double gradient_square(std::size_t block, std::size_t rows);
  void set_batch_weight(Batch batch);
  // The inputs of a later layer whose update is a block's share.
  Range share_of_inputs(std::size_t layer, std::size_t block) const;
  BackwardLayer backward_work(std::size_t layer, Range rows);
  BackwardLayer backward_block(std::size_t block, std::size_t rows);

  struct EvaluationSums {
    double loss = 0.0;
    std::size_t correct = 0;
  };
  void add_evaluation(const LabelledRows& data, EvaluationSums& sums);
  void evaluate_rows(const LabelledRows& data, Range rows, std::span<double> losses,
                     std::size_t& correct) const;
  void first_layer_apply(const RowsView& rows, Range range, float* y) const;

  LabelledRows training_;
  const TrainSettings settings_;
  const Schedule schedule_;
  ThreadPool& pool_;
  std::optional<SparseLayer> sparse_;  // layer 0, when rows are sparse
  bool small_later_layers_ = false;
  std::size_t first_dense_ = 0;    // 1 when layer 0 is sparse
  std::vector<DenseLayer> dense_;  // of the layers from first_dense_ on
  std::vector<Outputs> outputs_;   // of each layer
  std::size_t blocks_ = 1;
  // What the first dense layer takes and what it passes back, block by block: each batch x
  // block_stride_.
  AlignedVector<float> block_values_;
  AlignedVector<float> block_gradients_;
  std::size_t block_stride_ = 0;
  AlignedVector<float> parts_;  // each block's part of the first dense layer's sums: batch x width
  std::size_t batch_ = 0;       // rows at most
  TrainingLoss loss_;
  double batch_weight_ = 0.0;    // what the batch's losses are divided by
  std::vector<double> losses_;   // of each row of the batch
  std::vector<double> squares_;  // of each block's gradients, when they are clipped
  std::uint32_t most_steps_ = 0;
  std::uint32_t steps_ = 0;
  bool begun_ = false;  // the blocks of step steps_ + 1 have gone forward
};

}  // namespace nibble
