#include "nibble/train/sparse_layer.h"

#include <algorithm>

#include "nibble/kernels/train_forward.h"

namespace nibble {
namespace {

// Columns of one piece: the batch's 32 rows of them (16 KB) stay in the L1 cache.
constexpr std::size_t kPieceColumns = 128;
// Features of one piece when all are visited.
constexpr std::size_t kPieceFeatures = 64;
constexpr std::uint32_t kNoSlot = 0xFFFFFFFF;

std::size_t pieces_of(std::size_t count, std::size_t size) { return (count + size - 1) / size; }

}  // namespace

SparseLayer::SparseLayer(const Linear& layer, const TrainSettings& settings, std::uint32_t steps)
    : inputs_(layer.inputs()),
      outputs_(layer.outputs()),
      width_(padded(outputs_)),
      adam_(settings, steps),
      records_(inputs_ * 3 * width_),
      bias_(padded_bias(layer)),
      marks_(inputs_),
      slots_(inputs_, kNoSlot) {
  for (std::size_t i = 0; i < inputs_; ++i) std::ranges::copy(layer.weight.row(i), record(i));
}

std::size_t SparseLayer::pieces() const { return pieces_of(width_, kPieceColumns); }

CatchUp SparseLayer::take_catch_up(std::uint32_t feature, std::uint32_t step) {
  Mark& mark = marks_[feature];
  const std::uint32_t first = mark.weights + 1;
  mark.weights = step;
  if (mark.gradient == 0 || first > step) return {};
  return adam_.catch_up(mark.gradient, first, step);
}

void SparseLayer::touch(std::uint32_t feature, std::uint32_t step) {
  slots_[feature] = static_cast<std::uint32_t>(touched_.size());
  features_.push_back(feature);
  TouchedRecord& touched = touched_.emplace_back();
  touched.record = record(feature);
  Mark& mark = marks_[feature];
  touched.catch_up = take_catch_up(feature, step - 1);
  touched.keep_m = adam_.keep_m(step - mark.gradient);
  touched.keep_v = adam_.keep_v(step - mark.gradient);
  mark.gradient = step;
}

void SparseLayer::begin(const SparseRowsView& rows, std::span<const std::uint32_t> batch,
                        std::uint32_t step) {
  rows_ = batch.size();
  touched_.clear();
  features_.clear();
  std::size_t total = 0;
  for (const std::uint32_t row : batch) {
    for (const std::uint32_t feature : rows.row_indices(row)) {
      if (slots_[feature] == kNoSlot) touch(feature, step);
      ++touched_[slots_[feature]].count;
      ++total;
    }
  }
  if (!adam_.may_skip_steps()) {
    for (std::uint32_t feature = 0; feature < inputs_; ++feature) {
      if (slots_[feature] == kNoSlot) touch(feature, step);
    }
  }
  occurrences_.resize(total);
  place_occurrences(rows, batch);
  for (const std::uint32_t feature : features_) slots_[feature] = kNoSlot;
}

void SparseLayer::place_occurrences(const SparseRowsView& rows,
                                    std::span<const std::uint32_t> batch) {
  std::uint32_t next = 0;
  for (TouchedRecord& touched : touched_) {
    touched.first = next;
    next += touched.count;
    touched.count = 0;
  }
  for (std::size_t r = 0; r < batch.size(); ++r) {
    const auto indices = rows.row_indices(batch[r]);
    const auto values = rows.row_values(batch[r]);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      TouchedRecord& touched = touched_[slots_[indices[i]]];
      occurrences_[touched.first + touched.count++] = {static_cast<std::uint32_t>(r), values[i]};
    }
  }
}

SparseBatch SparseLayer::batch() const {
  return {touched_.data(), touched_.size(), occurrences_.data(), width_};
}

void SparseLayer::forward(std::size_t piece, float* y) const {
  const std::size_t column = piece * kPieceColumns;
  const std::size_t columns = std::min(kPieceColumns, width_ - column);
  for (std::size_t r = 0; r < rows_; ++r)
    std::copy_n(bias_.value.data() + column, columns, y + r * width_ + column);
  train_sparse_forward(batch(), column, columns, y);
}

void SparseLayer::backward(std::size_t piece, const AdamStep& step, const float* dy) {
  const std::size_t column = piece * kPieceColumns;
  const std::size_t columns = std::min(kPieceColumns, width_ - column);
  train_sparse_backward(batch(), step, column, columns, dy);
  adam_update_bias(step, rows_, columns, dy + column, width_, bias_.value.data() + column,
                   bias_.m.data() + column, bias_.v.data() + column);
}

void SparseLayer::catch_up(std::uint32_t step, ThreadPool& pool) {
  pool.run(pieces_of(inputs_, kPieceFeatures), [&](std::size_t piece) {
    const std::size_t end = std::min(inputs_, (piece + 1) * kPieceFeatures);
    for (std::size_t feature = piece * kPieceFeatures; feature < end; ++feature) {
      const CatchUp now = take_catch_up(static_cast<std::uint32_t>(feature), step);
      if (now.rate != 0.0F) train_catch_up(now, width_, record(feature));
    }
  });
}

void SparseLayer::apply(std::span<const std::uint32_t> indices, std::span<const float> values,
                        float* y) const {
  train_sum_rows(indices.size(), indices.data(), values.data(), width_, records_.data(), 3 * width_,
                 bias_.value.data(), y);
}

void SparseLayer::write_to(Linear& layer, ThreadPool& pool) const {
  pool.run(pieces_of(inputs_, kPieceFeatures), [&](std::size_t piece) {
    const std::size_t end = std::min(inputs_, (piece + 1) * kPieceFeatures);
    for (std::size_t i = piece * kPieceFeatures; i < end; ++i)
      std::copy_n(record(i), outputs_, layer.weight.row(i).begin());
  });
  std::copy_n(bias_.value.begin(), outputs_, layer.bias.begin());
}

}  // namespace nibble
