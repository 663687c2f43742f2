#include "nibble/train/trainer.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/kernels/cpu_level.h"
#include "nibble/kernels/gradient_square.h"
#include "nibble/kernels/train_backward.h"
#include "nibble/kernels/train_denormals.h"
#include "nibble/kernels/train_dropout.h"
#include "nibble/kernels/train_forward.h"
#include "nibble/train/optimizer_step.h"

namespace nibble {
namespace {

// One tile of the forward kernel.
constexpr std::size_t kForwardRows = 8;
// Weights behind the first dense layer that one thread works on alone. The 42 thousand of the
// reference network keep it busy for 67 us of a step; divided between two cores of a Zen 5 whose
// caches are 230 ns apart they took 115 us of each.
constexpr std::size_t kSmallLaterLayers = 65'536;
// Blocks of a dense first layer.
constexpr std::size_t kDenseBlocks = 4;
static_assert(SparseLayer::kPieceColumns == kDropoutBlock);

void activate_row(const DropoutRow& rule, std::size_t count, float* y) {
  if (rule.threshold == 0) {  // nothing is dropped
    train_relu(count, y);
  } else {
    train_relu_dropout(rule, count, y);
  }
}

}  // namespace

Trainer::Trainer(const Mlp& initial, const LabelledRows& training, const TrainSettings& settings,
                 std::uint32_t steps, ThreadPool& pool)
    : Trainer(initial, MemoryRows(training, false, 0), settings, steps, pool) {
  show(training);
}

Trainer::Trainer(const Mlp& initial, const RowSource& training, const TrainSettings& settings,
                 std::uint32_t steps, ThreadPool& pool)
    : settings_(settings),
      schedule_(settings, steps),
      pool_(pool),
      loss_(settings, initial.outputs()) {
  most_steps_ = steps;
  cpu_level();  // settles which code the kernels run
  batch_ = std::min(settings.batch, training.rows());
  if (training.sparse()) {
    sparse_.emplace(initial.layers.front(), settings, steps, pool);
    first_dense_ = 1;
    blocks_ = sparse_->pieces();
    block_stride_ = sparse_->columns(0);
  } else {
    blocks_ = std::min(kDenseBlocks, padded(initial.inputs()) / kBackwardInputs);
    block_stride_ = padded(pieces_of(padded(initial.inputs()), blocks_));
  }
  for (std::size_t l = 0; l < initial.layers.size(); ++l) {
    const Linear& layer = initial.layers[l];
    if (l >= first_dense_) dense_.emplace_back(layer);
    const std::size_t width = padded(layer.outputs());
    outputs_.push_back({layer.outputs(), width, AlignedVector<float>(batch_ * width),
                        AlignedVector<float>(batch_ * width)});
  }
  if (!dense_.empty()) {
    block_values_.resize(blocks_ * batch_ * block_stride_);
    block_gradients_.resize(block_values_.size());
    parts_.resize(blocks_ * batch_ * dense_.front().width);
  }
  std::size_t later = 0;
  for (std::size_t l = first_dense_ + 1; l < layers(); ++l) later += dense(l).weight.value.size();
  small_later_layers_ = later <= kSmallLaterLayers;
  losses_.resize(batch_);
  squares_.resize(blocks_);
}

void Trainer::run(std::size_t pieces, const std::function<void(std::size_t)>& work) {
  pool_.run(pieces, [&work](std::size_t piece) {
    const FlushDenormals flush;
    work(piece);
  });
}

double Trainer::step(Batch batch, Batch next) {
  ++steps_;
  if (!begun_) {
    prepare(batch, steps_);
    run(blocks_, [&](std::size_t block) { begin_block(block, batch, steps_); });
  }
  set_batch_weight(batch);
  // Piece 0 looks ahead.
  const std::size_t pieces = one_pass_back() ? 1 : pieces_of(batch.size(), kForwardRows);
  run(1 + pieces, [&](std::size_t piece) {
    if (piece == 0) return prepare(next, steps_ + 1);
    if (one_pass_back()) return work_in_one_pass(batch);
    const std::size_t first = (piece - 1) * kForwardRows;
    work_rows({first, std::min(kForwardRows, batch.size() - first)}, batch);
  });
  const double clip = clips() ? clip_factor(batch.size()) : 1.0;
  const OptimizerStep optimizer = optimizer_step(settings_, schedule_, steps_, clip);
  run(blocks_, [&](std::size_t block) {
    finish_block(block, batch.size(), optimizer);
    if (!next.empty()) begin_block(block, next, steps_ + 1);
  });
  begun_ = !next.empty();
  return std::accumulate(losses_.begin(), losses_.begin() + batch.size(), 0.0) / batch_weight_;
}

void Trainer::set_batch_weight(Batch batch) {
  batch_weight_ = 0.0;
  for (const std::uint32_t row : batch) batch_weight_ += loss_.weight(training_.labels[row]);
}

// torch.nn.utils.clip_grad_norm_: max_norm / (norm + 1e-6), at most 1.
double Trainer::clip_factor(std::size_t rows) {
  run(blocks_, [&](std::size_t block) { squares_[block] = gradient_square(block, rows); });
  const double norm = std::sqrt(std::accumulate(squares_.begin(), squares_.end(), 0.0));
  return std::min(1.0, settings_.clip_norm / (norm + 1e-6));
}

// Of the gradients that finish_block will take.
double Trainer::gradient_square(std::size_t block, std::size_t rows) {
  double sum = 0.0;
  for (std::size_t l = first_dense_; l < layers(); ++l) {
    const Outputs& out = outputs_[l];
    if (l % blocks_ == block)
      sum += bias_gradient_square(rows, out.width, out.gradient.data(), out.width);
    const Range share = l == first_dense_ ? Range{} : share_of_inputs(l, block);
    if (share.count == 0) continue;
    BackwardLayer work = backward_work(l, {0, rows});
    work.dx = nullptr;
    sum += train_gradient_square(work, share.first, share.count);
  }
  if (!dense_.empty())
    sum += train_gradient_square(backward_block(block, rows), 0, block_inputs(block).count);
  const Columns y = block_columns(block);
  if (sparse_) sum += sparse_->gradient_square(steps_, block, y.gradient, y.stride);
  return sum;
}

void Trainer::prepare(Batch batch, std::uint32_t step) {
  if (sparse_ && !batch.empty())
    sparse_->prepare(std::get<SparseRowsView>(training_.rows), batch, step);
}

void Trainer::expect(std::span<const std::uint32_t> order, bool to_the_end) {
  if (sparse_)
    sparse_->expect(std::get<SparseRowsView>(training_.rows), order, settings_.batch, steps_ + 1,
                    to_the_end);
}

// The inputs of layer first_dense_ that belong to a block.
Trainer::Range Trainer::block_inputs(std::size_t block) const {
  if (sparse_) {
    const std::size_t first = block * SparseLayer::kPieceColumns;
    const std::size_t inputs = outputs_[0].units;
    return {first, std::min(SparseLayer::kPieceColumns, inputs - first)};
  }
  const std::size_t groups = padded(dense_.front().inputs) / kBackwardInputs;
  const std::size_t first = block * groups / blocks_ * kBackwardInputs;
  const std::size_t end = (block + 1) * groups / blocks_ * kBackwardInputs;
  return {first, std::min(end, dense_.front().inputs) - first};
}

Trainer::Columns Trainer::block_columns(std::size_t block) {
  if (dense_.empty()) {
    Outputs& out = outputs_[0];
    const std::size_t first = block * SparseLayer::kPieceColumns;
    return {out.value.data() + first, out.gradient.data() + first, out.width};
  }
  const std::size_t first = block * batch_ * block_stride_;
  return {block_values_.data() + first, block_gradients_.data() + first, block_stride_};
}

void Trainer::begin_block(std::size_t block, Batch batch, std::uint32_t step) {
  if (sparse_) {
    begin_sparse_block(block, batch.size(), step);
  } else {
    begin_dense_block(block, batch);
  }
  if (dense_.empty()) return;
  const DenseLayer& layer = dense_.front();
  const Range inputs = block_inputs(block);
  const Columns x = block_columns(block);
  train_forward(batch.size(), inputs.count, layer.width, x.value, x.stride,
                layer.weight.value.data() + inputs.first * layer.width, nullptr,
                parts_.data() + block * batch_ * layer.width);
}

void Trainer::begin_sparse_block(std::size_t block, std::size_t rows, std::uint32_t step) {
  const Columns y = block_columns(block);
  sparse_->forward(step, block, y.value, y.stride);
  if (is_last(0)) return;
  for (std::size_t r = 0; r < rows; ++r) {
    DropoutRow rule =
        dropout_row({dropout_of(settings_, 0), settings_.seed, step - 1}, 0, r, outputs_[0].units);
    rule.first_counter += static_cast<std::uint32_t>(block * kDropoutCounters);
    activate_row(rule, sparse_->columns(block), y.value + r * y.stride);
  }
}

void Trainer::begin_dense_block(std::size_t block, Batch batch) {
  const auto& rows = std::get<DenseRowsView>(training_.rows);
  const Range inputs = block_inputs(block);
  const Columns x = block_columns(block);
  for (std::size_t r = 0; r < batch.size(); ++r)
    std::ranges::copy(rows.row(batch[r]).subspan(inputs.first, inputs.count),
                      x.value + r * x.stride);
}

void Trainer::work_rows(Range rows, Batch batch) {
  for (std::size_t l = first_dense_; l < layers(); ++l) {
    const DenseLayer& layer = dense(l);
    float* y = outputs_[l].value.data() + rows.first * layer.width;
    if (l == first_dense_) {
      train_sum_parts(rows.count, layer.width, blocks_, parts_.data() + rows.first * layer.width,
                      batch_ * layer.width, layer.bias.value.data(), y);
    } else {
      const Outputs& below = outputs_[l - 1];
      train_forward(rows.count, layer.inputs, layer.width,
                    below.value.data() + rows.first * below.width, below.width,
                    layer.weight.value.data(), layer.bias.value.data(), y);
    }
    if (!is_last(l)) activate(l, rows);
  }
  loss_of_rows(rows, batch);
  if (one_pass_back()) return;
  for (std::size_t l = layers(); l-- > first_dense_ + 1;)
    train_backward_inputs(backward_work(l, rows), dense(l).inputs);
}

void Trainer::work_in_one_pass(Batch batch) {
  for (std::size_t first = 0; first < batch.size(); first += kForwardRows)
    work_rows({first, std::min(kForwardRows, batch.size() - first)}, batch);
  const OptimizerStep optimizer = optimizer_step(settings_, schedule_, steps_, 1.0);
  for (std::size_t l = layers(); l-- > first_dense_ + 1;)
    train_backward(backward_work(l, {0, batch.size()}), optimizer, 0, dense(l).inputs);
}

void Trainer::activate(std::size_t layer, Range rows) {
  Outputs& out = outputs_[layer];
  const Dropout dropout{dropout_of(settings_, layer), settings_.seed, steps_ - 1};
  for (std::size_t r = rows.first; r < rows.first + rows.count; ++r)
    activate_row(dropout_row(dropout, layer, r, out.units), out.width,
                 out.value.data() + r * out.width);
}

void Trainer::loss_of_rows(Range rows, Batch batch) {
  Outputs& out = outputs_.back();
  const double scale = 1.0 / batch_weight_;
  for (std::size_t r = rows.first; r < rows.first + rows.count; ++r) {
    const std::span<const float> logits(out.value.data() + r * out.width, out.units);
    losses_[r] = loss_.row(logits, training_.labels[batch[r]], scale,
                           {out.gradient.data() + r * out.width, out.units});
  }
}

BackwardLayer Trainer::backward_work(std::size_t layer, Range rows) {
  DenseLayer& parameters = dense(layer);
  Outputs& below = outputs_[layer - 1];
  BackwardLayer work;
  work.rows = rows.count;
  work.outputs = parameters.width;
  work.x = below.value.data() + rows.first * below.width;
  work.x_stride = below.width;
  work.dy = outputs_[layer].gradient.data() + rows.first * parameters.width;
  work.w = parameters.weight.value.data();
  work.m = parameters.weight.m.data();
  work.v = parameters.weight.v.data();
  work.dx = below.gradient.data() + rows.first * below.width;
  work.dx_scale = dropout_scale(dropout_of(settings_, layer - 1));
  return work;
}

// The first dense layer with the inputs of one block.
BackwardLayer Trainer::backward_block(std::size_t block, std::size_t rows) {
  DenseLayer& parameters = dense_.front();
  const std::size_t first = block_inputs(block).first * parameters.width;
  const Columns x = block_columns(block);
  BackwardLayer work;
  work.rows = rows;
  work.outputs = parameters.width;
  work.x = x.value;
  work.x_stride = x.stride;
  work.dy = outputs_[first_dense_].gradient.data();
  work.w = parameters.weight.value.data() + first;
  work.m = parameters.weight.m.data() + first;
  work.v = parameters.weight.v.data() + first;
  if (!sparse_) return work;
  work.dx = x.gradient;
  work.dx_scale = dropout_scale(dropout_of(settings_, 0));
  return work;
}

void Trainer::finish_block(std::size_t block, std::size_t rows, const OptimizerStep& optimizer) {
  update_later_layers(block, rows, optimizer);
  if (!dense_.empty())
    train_backward(backward_block(block, rows), optimizer, 0, block_inputs(block).count);
  const Columns y = block_columns(block);
  if (sparse_) sparse_->backward(steps_, block, optimizer, y.gradient, y.stride);
}

// This block's share of the layers whose inputs' gradients are known already, and of the biases.
void Trainer::update_later_layers(std::size_t block, std::size_t rows,
                                  const OptimizerStep& optimizer) {
  for (std::size_t l = first_dense_; l < layers(); ++l) {
    DenseLayer& layer = dense(l);
    if (l % blocks_ == block)
      update_bias(optimizer, rows, layer.width, outputs_[l].gradient.data(), layer.width,
                  layer.bias.value.data(), layer.bias.m.data(), layer.bias.v.data());
    if (l == first_dense_ || one_pass_back()) continue;
    const Range share = share_of_inputs(l, block);
    if (share.count == 0) continue;
    BackwardLayer work = backward_work(l, {0, rows});
    work.dx = nullptr;
    train_backward(work, optimizer, share.first, share.count);
  }
}

Trainer::Range Trainer::share_of_inputs(std::size_t layer, std::size_t block) const {
  const std::size_t inputs = dense(layer).inputs;
  const std::size_t groups = pieces_of(inputs, kBackwardInputs);
  const std::size_t first = block * groups / blocks_ * kBackwardInputs;
  const std::size_t end = std::min(inputs, (block + 1) * groups / blocks_ * kBackwardInputs);
  return {first, end > first ? end - first : 0};
}

void Trainer::write_to(Mlp& network) {
  if (sparse_) {
    sparse_->catch_up(steps_, pool_);
    sparse_->write_to(network.layers.front(), pool_);
  }
  for (std::size_t l = first_dense_; l < outputs_.size(); ++l) dense(l).write_to(network.layers[l]);
}

std::vector<std::span<float>> Trainer::numbers() {
  std::vector<std::span<float>> all;
  const auto add = [&all](Moments& moments) {
    for (AlignedVector<float>* part : {&moments.value, &moments.m, &moments.v})
      all.emplace_back(*part);
  };
  if (sparse_) {
    all.push_back(sparse_->records());
    add(sparse_->bias());
  }
  for (DenseLayer& layer : dense_) {
    add(layer.weight);
    add(layer.bias);
  }
  return all;
}

TrainerState Trainer::state() {
  assert(!begun_);
  TrainerState state;
  state.steps = steps_;
  for (const std::span<float> part : numbers()) state.numbers.emplace_back(part);
  if (sparse_) state.marks = sparse_->marks();
  return state;
}

void Trainer::restore(const TrainerState& state) {
  const auto ours = numbers();
  const bool same_sizes = std::ranges::equal(
      ours, state.numbers, {}, [](const auto& part) { return part.size(); },
      [](const auto& part) { return part.size(); });
  if (!same_sizes || state.steps > most_steps_)
    throw_error(
        "the stored training state is not one of this network: it has {} arrays and {} "
        "steps; expected {} arrays of the network's sizes and at most {} steps",
        state.numbers.size(), state.steps, ours.size(), most_steps_);
  for (std::size_t i = 0; i < ours.size(); ++i)
    std::ranges::copy(state.numbers[i], ours[i].begin());
  if (sparse_) sparse_->set_marks(state.marks, most_steps_);
  steps_ = state.steps;
}

}  // namespace nibble
