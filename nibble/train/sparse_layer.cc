#include "nibble/train/sparse_layer.h"

#include <algorithm>

#include "nibble/core/error.h"
#include "nibble/kernels/gradient_square.h"
#include "nibble/kernels/train_forward.h"

namespace nibble {
namespace {

// Features of one piece when all are visited.
constexpr std::size_t kPieceFeatures = 64;
constexpr std::uint32_t kNoSlot = 0xFFFFFFFF;

// Calls visit(feature) for all, on all threads of the pool.
template <typename Visit>
void in_feature_pieces(std::size_t features, ThreadPool& pool, const Visit& visit) {
  pool.run(pieces_of(features, kPieceFeatures), [&](std::size_t piece) {
    const std::size_t end = std::min(features, (piece + 1) * kPieceFeatures);
    for (std::size_t i = piece * kPieceFeatures; i < end; ++i) visit(i);
  });
}

// The part of a layer's row (not padded) that lies in one block.
template <typename T>
std::span<T> columns_of(std::span<T> row, std::size_t piece) {
  constexpr std::size_t kPieceColumns = SparseLayer::kPieceColumns;
  const std::size_t first = std::min(row.size(), piece * kPieceColumns);
  return row.subspan(first, std::min(kPieceColumns, row.size() - first));
}

}  // namespace

SparseLayer::SparseLayer(const Linear& layer, const TrainSettings& settings, std::uint32_t steps,
                         ThreadPool& pool)
    : inputs_(layer.inputs()),
      outputs_(layer.outputs()),
      width_(padded(outputs_)),
      records_(inputs_ * 3 * width_),
      bias_(padded_bias(layer)),
      marks_(inputs_),
      slots_(inputs_, kNoSlot),
      next_touches_(inputs_) {
  if (settings.optimizer == Optimizer::kSgd) {
    sgd_.emplace(settings, steps);
  } else {
    adam_.emplace(settings, steps);
  }
  in_feature_pieces(inputs_, pool, [&](std::size_t i) { start_feature(i, layer.weight.row(i)); });
}

// Moments and padding are zero.
void SparseLayer::start_feature(std::size_t feature, std::span<const float> weights) {
  for (std::size_t piece = 0; piece < pieces(); ++piece) {
    const auto row = columns_of(weights, piece);
    float* record = block(piece).records + feature * record_stride();
    std::fill(std::ranges::copy(row, record).out, record + 3 * columns(piece), 0.0F);
  }
}

std::size_t SparseLayer::columns(std::size_t piece) const {
  return std::min(kPieceColumns, width_ - piece * kPieceColumns);
}

ColumnBlock SparseLayer::block(std::size_t piece) {
  return {records_.data() + piece * kPieceColumns * 3, columns(piece), record_stride()};
}

const float* SparseLayer::weights(std::size_t piece, std::size_t feature) const {
  return records_.data() + piece * kPieceColumns * 3 + feature * record_stride();
}

std::size_t SparseLayer::pieces() const { return pieces_of(width_, kPieceColumns); }

void SparseLayer::take_catch_up(std::uint32_t feature, std::uint32_t step,
                                std::vector<CatchUp>& parts) {
  parts.clear();
  Mark& mark = marks_[feature];
  const std::uint32_t first = mark.weights + 1;
  mark.weights = step;
  if (first <= step) adam_->append_parts(mark.gradient, first, step, parts);
}

SgdCatchUp SparseLayer::take_sgd_catch_up(std::uint32_t feature, std::uint32_t step) {
  Mark& mark = marks_[feature];
  const std::uint32_t first = mark.weights + 1;
  if (first > step) return {};
  mark.weights = step;
  return sgd_->catch_up(first, step);
}

void SparseLayer::expect(const SparseRowsView& rows, std::span<const std::uint32_t> order,
                         std::size_t batch, std::uint32_t first, bool to_the_end) {
  if (adam_ && adam_->may_skip_steps()) next_touches_.expect(rows, order, batch, first, to_the_end);
}

void SparseLayer::touch(std::uint32_t feature, Plan& plan, std::uint32_t again) {
  slots_[feature] = static_cast<std::uint32_t>(plan.touched.size());
  features_.push_back(feature);
  TouchedFeature& touched = plan.touched.emplace_back();
  touched.feature = feature;
  if (sgd_) {
    touch_sgd(feature, plan);
  } else {
    touch_adam(touched, plan, again);
  }
}

void SparseLayer::touch_adam(TouchedFeature& touched, Plan& plan, std::uint32_t again) {
  const std::uint32_t feature = touched.feature;
  Mark& mark = marks_[feature];
  take_catch_up(feature, plan.step - 1, parts_);
  if (!parts_.empty()) {
    touched.catch_up = parts_.back();
    parts_.pop_back();
  }
  for (const CatchUp& part : parts_) plan.earlier.push_back({feature, part});
  touched.keep_m = adam_->keep_m(plan.step - mark.gradient);
  touched.keep_v = adam_->keep_v(plan.step - mark.gradient);
  mark.gradient = plan.step;
  if (again != NextTouches::kUnknown) follow_until(again - 1, touched, plan);
}

void SparseLayer::follow_until(std::uint32_t step, TouchedFeature& touched, Plan& plan) {
  take_catch_up(touched.feature, step, parts_);
  if (parts_.empty()) return;
  touched.follow = parts_.front();
  for (const CatchUp& part : std::span(parts_).subspan(1))
    plan.later.push_back({touched.feature, part});
}

// Buffer and weights are brought to the step before, and backward takes them on to this one.
void SparseLayer::touch_sgd(std::uint32_t feature, Plan& plan) {
  const SgdCatchUp part = take_sgd_catch_up(feature, plan.step - 1);
  if (!part.does_nothing()) plan.sgd.push_back({feature, part});
  marks_[feature] = {plan.step, plan.step};
}

void SparseLayer::prepare(const SparseRowsView& rows, std::span<const std::uint32_t> batch,
                          std::uint32_t step) {
  Plan& next = plan(step);
  next.step = step;
  next.rows = batch.size();
  next.touched.clear();
  next.earlier.clear();
  next.later.clear();
  next.sgd.clear();
  features_.clear();
  std::size_t total = 0;
  const std::span<const std::uint32_t> again = next_touches_.after(step);
  for (const std::uint32_t row : batch) {
    for (const std::uint32_t feature : rows.row_indices(row)) {
      if (slots_[feature] == kNoSlot) {
        const std::size_t place = next.touched.size();
        touch(feature, next, place < again.size() ? again[place] : NextTouches::kUnknown);
      }
      ++next.touched[slots_[feature]].count;
      ++total;
    }
  }
  if (adam_ && !adam_->may_skip_steps()) {
    for (std::uint32_t feature = 0; feature < inputs_; ++feature) {
      if (slots_[feature] == kNoSlot) touch(feature, next, NextTouches::kUnknown);
    }
  }
  next.occurrences.resize(total);
  place_occurrences(rows, batch, next);
  for (const std::uint32_t feature : features_) slots_[feature] = kNoSlot;
}

void SparseLayer::place_occurrences(const SparseRowsView& rows,
                                    std::span<const std::uint32_t> batch, Plan& plan) const {
  std::uint32_t next = 0;
  for (TouchedFeature& touched : plan.touched) {
    touched.first = next;
    next += touched.count;
    touched.count = 0;
  }
  for (std::size_t r = 0; r < batch.size(); ++r) {
    const auto indices = rows.row_indices(batch[r]);
    const auto values = rows.row_values(batch[r]);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      TouchedFeature& touched = plan.touched[slots_[indices[i]]];
      plan.occurrences[touched.first + touched.count++] = {static_cast<std::uint32_t>(r),
                                                           values[i]};
    }
  }
}

SparseBatch SparseLayer::batch(const Plan& plan) {
  return {plan.touched.data(), plan.touched.size(), plan.occurrences.data()};
}

void SparseLayer::forward(std::uint32_t step, std::size_t piece, float* y, std::size_t stride) {
  const Plan& now = plan(step);
  for (std::size_t r = 0; r < now.rows; ++r)
    std::copy_n(bias_.value.data() + piece * kPieceColumns, columns(piece), y + r * stride);
  for (const auto& [feature, part] : now.earlier) train_catch_up(part, block(piece), feature);
  for (const auto& [feature, part] : now.sgd) train_sgd_catch_up(part, block(piece), feature);
  train_sparse_forward(batch(now), block(piece), y, stride);
}

void SparseLayer::backward(std::uint32_t step, std::size_t piece, const OptimizerStep& optimizer,
                           const float* dy, std::size_t stride) {
  const Plan& now = plan(step);
  const std::size_t first = piece * kPieceColumns;
  if (sgd_) {
    train_sparse_sgd_backward(batch(now), block(piece), std::get<SgdStep>(optimizer), dy, stride);
  } else {
    train_sparse_backward(batch(now), block(piece), std::get<AdamStep>(optimizer), dy, stride);
    for (const auto& [feature, part] : now.later) train_catch_up(part, block(piece), feature);
  }
  update_bias(optimizer, now.rows, columns(piece), dy, stride, bias_.value.data() + first,
              bias_.m.data() + first, bias_.v.data() + first);
}

double SparseLayer::gradient_square(std::uint32_t step, std::size_t piece, const float* dy,
                                    std::size_t stride) {
  const Plan& now = plan(step);
  return sparse_gradient_square(batch(now), block(piece), dy, stride) +
         bias_gradient_square(now.rows, columns(piece), dy, stride);
}

void SparseLayer::catch_up_feature(std::uint32_t feature, std::uint32_t step) {
  if (sgd_) {
    const SgdCatchUp part = take_sgd_catch_up(feature, step);
    if (part.does_nothing()) return;
    for (std::size_t piece = 0; piece < pieces(); ++piece)
      train_sgd_catch_up(part, block(piece), feature);
    return;
  }
  std::vector<CatchUp> parts;
  take_catch_up(feature, step, parts);
  for (const CatchUp& part : parts) {
    for (std::size_t piece = 0; piece < pieces(); ++piece)
      train_catch_up(part, block(piece), feature);
  }
}

void SparseLayer::catch_up(std::uint32_t step, ThreadPool& pool) {
  in_feature_pieces(inputs_, pool, [&](std::size_t feature) {
    catch_up_feature(static_cast<std::uint32_t>(feature), step);
  });
}

std::vector<std::int64_t> SparseLayer::marks() const {
  std::vector<std::int64_t> result;
  result.reserve(2 * marks_.size());
  for (const Mark& mark : marks_) result.insert(result.end(), {mark.gradient, mark.weights});
  return result;
}

void SparseLayer::set_marks(std::span<const std::int64_t> marks, std::uint32_t steps) {
  bool good = marks.size() == 2 * marks_.size();
  for (std::size_t i = 0; good && i < marks_.size(); ++i) {
    const std::int64_t gradient = marks[2 * i];
    const std::int64_t weights = marks[2 * i + 1];
    good = 0 <= gradient && gradient <= steps && 0 <= weights && weights <= steps &&
           gradient <= weights + 1;
    if (good)
      marks_[i] = {static_cast<std::uint32_t>(gradient), static_cast<std::uint32_t>(weights)};
  }
  if (!good)
    throw_error(
        "the stored training state has {} marks; expected 2 for each of {} features, of "
        "steps up to {}",
        marks.size(), marks_.size(), steps);
}

void SparseLayer::apply(std::span<const std::uint32_t> indices, std::span<const float> values,
                        float* y) const {
  for (std::size_t piece = 0; piece < pieces(); ++piece) {
    const std::size_t first = piece * kPieceColumns;
    train_sum_rows(indices.size(), indices.data(), values.data(), columns(piece), weights(piece, 0),
                   record_stride(), bias_.value.data() + first, y + first);
  }
}

void SparseLayer::write_to(Linear& layer, ThreadPool& pool) const {
  in_feature_pieces(inputs_, pool, [&](std::size_t i) {
    for (std::size_t piece = 0; piece < pieces(); ++piece) {
      const auto row = columns_of(layer.weight.row(i), piece);
      std::copy_n(weights(piece, i), row.size(), row.begin());
    }
  });
  std::copy_n(bias_.value.begin(), outputs_, layer.bias.begin());
}

}  // namespace nibble
