// The part of Trainer that only looks: accuracy and loss of rows, dropout off.
#include <numeric>
#include <optional>
#include <utility>

#include "nibble/kernels/train_forward.h"
#include "nibble/network/loss.h"
#include "nibble/train/trainer.h"

namespace nibble {
namespace {

constexpr std::size_t kEvaluateRows = 32;

}  // namespace

void Trainer::first_layer_apply(const RowsView& rows, Range range, float* y) const {
  const std::size_t width = outputs_[0].width;
  if (sparse_) {
    const auto& sparse = std::get<SparseRowsView>(rows);
    for (std::size_t r = 0; r < range.count; ++r) {
      const std::size_t row = range.first + r;
      sparse_->apply(sparse.row_indices(row), sparse.row_values(row), y + r * width);
    }
    return;
  }
  const auto& view = std::get<DenseRowsView>(rows);
  train_forward(range.count, view.columns, width, view.row(range.first).data(), view.columns,
                dense(0).weight.value.data(), dense(0).bias.value.data(), y);
}

void Trainer::evaluate_rows(const LabelledRows& data, Range rows, std::span<double> losses,
                            std::size_t& correct) const {
  AlignedVector<float> x;
  AlignedVector<float> y(rows.count * outputs_[0].width);
  first_layer_apply(data.rows, rows, y.data());
  for (std::size_t l = 1; l < outputs_.size(); ++l) {
    train_relu(y.size(), y.data());
    std::swap(x, y);
    y.resize(rows.count * outputs_[l].width);
    train_forward(rows.count, dense(l).inputs, outputs_[l].width, x.data(), outputs_[l - 1].width,
                  dense(l).weight.value.data(), dense(l).bias.value.data(), y.data());
  }
  for (std::size_t r = 0; r < rows.count; ++r) {
    const std::span<const float> logits(y.data() + r * outputs_.back().width,
                                        outputs_.back().units);
    const Label label = data.labels[rows.first + r];
    losses[r] = cross_entropy(logits, label);
    correct += static_cast<std::size_t>(most_likely(logits) == label);
  }
}

void Trainer::add_evaluation(const LabelledRows& data, EvaluationSums& sums) {
  const std::size_t rows = data.labels.size();
  const std::size_t pieces = pieces_of(rows, kEvaluateRows);
  std::vector<double> losses(rows);
  std::vector<std::size_t> correct(pieces);
  run(pieces, [&](std::size_t piece) {
    const std::size_t first = piece * kEvaluateRows;
    const std::size_t count = std::min(kEvaluateRows, rows - first);
    evaluate_rows(data, {first, count}, {losses.data() + first, count}, correct[piece]);
  });
  sums.loss = std::accumulate(losses.begin(), losses.end(), sums.loss);
  sums.correct = std::accumulate(correct.begin(), correct.end(), sums.correct);
}

Evaluation Trainer::evaluate(RowSource& data) {
  if (sparse_) sparse_->catch_up(steps_, pool_);
  EvaluationSums sums;
  data.begin(1);
  while (const std::optional<RowWindow> window = data.next()) add_evaluation(window->part, sums);
  const auto rows = static_cast<double>(data.rows());
  return {sums.loss / rows, 100.0 * static_cast<double>(sums.correct) / rows};
}

Evaluation Trainer::evaluate(const LabelledRows& data) {
  MemoryRows rows(data, false, 0);
  return evaluate(rows);
}

}  // namespace nibble
