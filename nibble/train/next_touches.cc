#include "nibble/train/next_touches.h"

#include <algorithm>

namespace nibble {

void NextTouches::expect(const SparseRowsView& rows, std::span<const std::uint32_t> order,
                         std::size_t batch, std::uint32_t first, bool to_the_end) {
  rows_ = rows;
  rest_ = order;
  batch_ = batch;
  first_ = first;
  begins_.clear();
  again_.clear();
  const auto steps = static_cast<std::uint32_t>((order.size() + batch - 1) / batch);
  end_ = to_the_end ? first + steps : kUnknown;
  ends_.clear();
}

std::span<const std::uint32_t> NextTouches::after(std::uint32_t step) {
  const std::size_t seen = begins_.empty() ? 0 : begins_.size() - 1;
  if (step >= first_ + seen && !rest_.empty()) {
    first_ += static_cast<std::uint32_t>(seen);
    look_ahead();
  }
  if (step < first_ || step - first_ + 1 >= begins_.size()) return {};
  const std::size_t batch = step - first_;
  return std::span(again_).subspan(begins_[batch], begins_[batch + 1] - begins_[batch]);
}

// Before the first of several looks ahead.
void NextTouches::find_ends(std::uint32_t first) {
  ends_.resize(last_.size());
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    for (const std::uint32_t feature : rows_.row_indices(rest_[i]))
      ends_[feature] = first + static_cast<std::uint32_t>(i / batch_);
  }
}

void NextTouches::look_ahead() {
  begins_.assign(1, 0);
  again_.clear();
  std::ranges::fill(last_, kNone);
  std::uint32_t step = first_;
  while (!rest_.empty() && again_.size() < kMost) {
    const auto rows = rest_.first(std::min(batch_, rest_.size()));
    rest_ = rest_.subspan(rows.size());
    add_batch(rows, step++);
  }
  if (end_ == kUnknown) return;
  if (!rest_.empty() && ends_.empty()) find_ends(step);
  for (std::size_t feature = 0; feature < last_.size(); ++feature) {
    if (last_[feature] == kNone) continue;
    const bool over = rest_.empty() || ends_[feature] < step;
    if (over) again_[last_[feature]] = end_;
  }
}

void NextTouches::add_batch(std::span<const std::uint32_t> rows, std::uint32_t step) {
  const std::size_t begin = begins_.back();
  for (const std::uint32_t row : rows) {
    for (const std::uint32_t feature : rows_.row_indices(row)) {
      std::uint32_t& last = last_[feature];
      if (last != kNone && last >= begin) continue;  // touched by this batch already
      if (last != kNone) again_[last] = step;
      last = static_cast<std::uint32_t>(again_.size());
      again_.push_back(kUnknown);
    }
  }
  begins_.push_back(again_.size());
}

}  // namespace nibble
