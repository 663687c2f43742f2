#include "nibble/train/trainer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "nibble/kernels/cpu_level.h"
#include "nibble/kernels/train_backward.h"
#include "nibble/kernels/train_denormals.h"
#include "nibble/kernels/train_dropout.h"
#include "nibble/kernels/train_forward.h"
#include "nibble/train/loss.h"

namespace nibble {
namespace {

// One tile of the forward kernel.
constexpr std::size_t kForwardRows = 8;
constexpr std::size_t kEvaluateRows = 32;
// Weights below this many are not worth a second thread.
constexpr std::size_t kPieceWeights = 8192;

std::size_t pieces_of(std::size_t count, std::size_t size) { return (count + size - 1) / size; }

// Inputs of one piece of a layer's backward pass.
std::size_t piece_inputs(const DenseLayer& layer) {
  const std::size_t inputs = std::max<std::size_t>(1, kPieceWeights / layer.width);
  return pieces_of(inputs, kBackwardInputs) * kBackwardInputs;
}

}  // namespace

Trainer::Trainer(const Mlp& initial, const LabelledRows& training, const TrainSettings& settings,
                 std::uint32_t steps, ThreadPool& pool)
    : training_(training), settings_(settings), pool_(pool) {
  cpu_level();  // settles which code the kernels run
  const std::size_t batch = std::min(settings.batch, row_count(training.rows));
  if (std::holds_alternative<SparseRowsView>(training.rows)) {
    sparse_.emplace(initial.layers.front(), settings, steps);
    first_dense_ = 1;
  } else {
    input_stride_ = padded(initial.inputs());
    input_.resize(batch * input_stride_);
  }
  for (std::size_t l = 0; l < initial.layers.size(); ++l) {
    const Linear& layer = initial.layers[l];
    if (l >= first_dense_) dense_.emplace_back(layer);
    const std::size_t width = padded(layer.outputs());
    outputs_.push_back({layer.outputs(), width, AlignedVector<float>(batch * width),
                        AlignedVector<float>(batch * width)});
  }
  losses_.resize(batch);
}

void Trainer::run(std::size_t pieces, const std::function<void(std::size_t)>& work) {
  pool_.run(pieces, [&work](std::size_t piece) {
    const FlushDenormals flush;
    work(piece);
  });
}

double Trainer::step(std::span<const std::uint32_t> batch) {
  ++steps_;
  if (sparse_) {
    sparse_->begin(std::get<SparseRowsView>(training_.rows), batch, steps_);
    run(sparse_->pieces(),
        [this](std::size_t piece) { sparse_->forward(piece, outputs_[0].value.data()); });
  }
  run(pieces_of(batch.size(), kForwardRows),
      [this, batch](std::size_t piece) { forward_rows(piece, batch); });
  const AdamStep adam = adam_step(settings_, steps_);
  for (std::size_t l = outputs_.size(); l-- > first_dense_;) backward(l, batch.size(), adam);
  if (sparse_) {
    run(sparse_->pieces(), [this, &adam](std::size_t piece) {
      sparse_->backward(piece, adam, outputs_[0].gradient.data());
    });
  }
  return std::accumulate(losses_.begin(), losses_.begin() + batch.size(), 0.0) /
         static_cast<double>(batch.size());
}

void Trainer::forward_rows(std::size_t piece, std::span<const std::uint32_t> batch) {
  const std::size_t first = piece * kForwardRows;
  const std::size_t count = std::min(kForwardRows, batch.size() - first);
  if (!sparse_) dense_input_rows(first, count, batch);
  for (std::size_t l = 0; l < outputs_.size(); ++l) {
    const std::size_t width = outputs_[l].width;
    if (l >= first_dense_) {
      const float* x = l == 0 ? input_.data() : outputs_[l - 1].value.data();
      const std::size_t stride = l == 0 ? input_stride_ : outputs_[l - 1].width;
      train_forward(count, dense(l).inputs, width, x + first * stride, stride,
                    dense(l).weight.value.data(), dense(l).bias.value.data(),
                    outputs_[l].value.data() + first * width);
    }
    if (l + 1 < outputs_.size()) activate(l, first, count);
  }
  loss_of_rows(first, count, batch);
}

void Trainer::dense_input_rows(std::size_t first, std::size_t count,
                               std::span<const std::uint32_t> batch) {
  const auto& rows = std::get<DenseRowsView>(training_.rows);
  for (std::size_t r = first; r < first + count; ++r)
    std::ranges::copy(rows.row(batch[r]), input_.data() + r * input_stride_);
}

void Trainer::activate(std::size_t layer, std::size_t first, std::size_t count) {
  Outputs& out = outputs_[layer];
  if (settings_.dropout == 0.0) {
    train_relu(count * out.width, out.value.data() + first * out.width);
    return;
  }
  const Dropout dropout{settings_.dropout, settings_.seed, steps_ - 1};
  for (std::size_t r = first; r < first + count; ++r)
    train_relu_dropout(dropout_row(dropout, layer, r, out.units), out.width,
                       out.value.data() + r * out.width);
}

void Trainer::loss_of_rows(std::size_t first, std::size_t count,
                           std::span<const std::uint32_t> batch) {
  Outputs& out = outputs_.back();
  const double scale = 1.0 / static_cast<double>(batch.size());
  for (std::size_t r = first; r < first + count; ++r) {
    const std::span<const float> logits(out.value.data() + r * out.width, out.units);
    losses_[r] = cross_entropy_gradient(logits, training_.labels[batch[r]], scale,
                                        {out.gradient.data() + r * out.width, out.units});
  }
}

void Trainer::backward(std::size_t layer, std::size_t rows, const AdamStep& adam) {
  DenseLayer& parameters = dense(layer);
  BackwardLayer work;
  work.rows = rows;
  work.outputs = parameters.width;
  work.x = layer == 0 ? input_.data() : outputs_[layer - 1].value.data();
  work.x_stride = layer == 0 ? input_stride_ : outputs_[layer - 1].width;
  work.dy = outputs_[layer].gradient.data();
  work.w = parameters.weight.value.data();
  work.m = parameters.weight.m.data();
  work.v = parameters.weight.v.data();
  work.dx = layer == 0 ? nullptr : outputs_[layer - 1].gradient.data();
  work.dx_scale = static_cast<float>(1.0 / (1.0 - settings_.dropout));
  const std::size_t inputs = piece_inputs(parameters);
  run(pieces_of(parameters.inputs, inputs), [&](std::size_t piece) {
    const std::size_t first = piece * inputs;
    train_backward(work, adam, first, std::min(inputs, parameters.inputs - first));
    if (piece == 0)
      adam_update_bias(adam, rows, parameters.width, work.dy, parameters.width,
                       parameters.bias.value.data(), parameters.bias.m.data(),
                       parameters.bias.v.data());
  });
}

void Trainer::first_layer_apply(const RowsView& rows, std::size_t first, std::size_t count,
                                float* y) const {
  const std::size_t width = outputs_[0].width;
  if (sparse_) {
    const auto& sparse = std::get<SparseRowsView>(rows);
    for (std::size_t r = 0; r < count; ++r)
      sparse_->apply(sparse.row_indices(first + r), sparse.row_values(first + r), y + r * width);
    return;
  }
  const auto& view = std::get<DenseRowsView>(rows);
  train_forward(count, view.columns, width, view.row(first).data(), view.columns,
                dense(0).weight.value.data(), dense(0).bias.value.data(), y);
}

void Trainer::evaluate_rows(const LabelledRows& data, std::size_t first, std::size_t count,
                            std::span<double> losses, std::size_t& correct) const {
  AlignedVector<float> x;
  AlignedVector<float> y(count * outputs_[0].width);
  first_layer_apply(data.rows, first, count, y.data());
  for (std::size_t l = 1; l < outputs_.size(); ++l) {
    train_relu(y.size(), y.data());
    std::swap(x, y);
    y.resize(count * outputs_[l].width);
    train_forward(count, dense(l).inputs, outputs_[l].width, x.data(), outputs_[l - 1].width,
                  dense(l).weight.value.data(), dense(l).bias.value.data(), y.data());
  }
  for (std::size_t r = 0; r < count; ++r) {
    const std::span<const float> logits(y.data() + r * outputs_.back().width,
                                        outputs_.back().units);
    const Label label = data.labels[first + r];
    losses[r] = cross_entropy(logits, label);
    correct += static_cast<std::size_t>(most_likely(logits) == label);
  }
}

Evaluation Trainer::evaluate(const LabelledRows& data) {
  if (sparse_) sparse_->catch_up(steps_, pool_);
  const std::size_t rows = data.labels.size();
  const std::size_t pieces = pieces_of(rows, kEvaluateRows);
  std::vector<double> losses(rows);
  std::vector<std::size_t> correct(pieces);
  run(pieces, [&](std::size_t piece) {
    const std::size_t first = piece * kEvaluateRows;
    const std::size_t count = std::min(kEvaluateRows, rows - first);
    evaluate_rows(data, first, count, {losses.data() + first, count}, correct[piece]);
  });
  const double loss = std::accumulate(losses.begin(), losses.end(), 0.0);
  const std::size_t right = std::accumulate(correct.begin(), correct.end(), std::size_t{0});
  return {loss / static_cast<double>(rows),
          100.0 * static_cast<double>(right) / static_cast<double>(rows)};
}

void Trainer::write_to(Mlp& network) {
  if (sparse_) {
    sparse_->catch_up(steps_, pool_);
    sparse_->write_to(network.layers.front(), pool_);
  }
  for (std::size_t l = first_dense_; l < outputs_.size(); ++l) dense(l).write_to(network.layers[l]);
}

}  // namespace nibble
