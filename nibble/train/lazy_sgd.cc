#include "nibble/train/lazy_sgd.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace nibble {

SgdStep sgd_step(const TrainSettings& settings, const Schedule& schedule, std::uint64_t step) {
  return {static_cast<float>(settings.momentum), 1.0F, static_cast<float>(settings.weight_decay),
          static_cast<float>(schedule.rate(step))};
}

LazySgd::LazySgd(const TrainSettings& settings, std::uint64_t steps)
    : settings_(settings), schedule_(settings, steps) {
  std::vector<Steps> level;
  for (std::uint64_t first = 1; first + kSmallest <= schedule_.settled(); first += kSmallest) {
    Steps product;
    for (std::uint64_t step = first; step < first + kSmallest; ++step)
      product = after(one(step), product);
    level.push_back(product);
  }
  while (!level.empty()) {
    std::vector<Steps> next;
    for (std::size_t i = 0; i + 1 < level.size(); i += 2)
      next.push_back(after(level[i + 1], level[i]));
    products_.push_back(std::exchange(level, std::move(next)));
  }
  squares_.push_back(one(schedule_.settled()));
  for (std::uint64_t count = 1; count <= steps; count *= 2)
    squares_.push_back(after(squares_.back(), squares_.back()));
}

// The product of two matrices: first `before`, then `now`.
LazySgd::Steps LazySgd::after(const Steps& now, const Steps& before) {
  return {now.w_from_w + before.w_from_w + now.w_from_w * before.w_from_w +
              now.w_from_m * before.m_from_w,
          before.w_from_m + now.w_from_w * before.w_from_m + now.w_from_m * before.m_from_m,
          now.m_from_w + now.m_from_w * before.w_from_w + now.m_from_m * before.m_from_w,
          now.m_from_w * before.w_from_m + now.m_from_m * before.m_from_m};
}

LazySgd::Steps LazySgd::one(std::uint64_t step) const {
  const double rate = schedule_.rate(step);
  return {-rate * settings_.weight_decay, -rate * settings_.momentum, settings_.weight_decay,
          settings_.momentum};
}

// Steps first..end-1: the largest prepared products that fit, single steps at both ends.
LazySgd::Steps LazySgd::varying(std::uint64_t first, std::uint64_t end) const {
  Steps product;
  while (first < end) {
    const std::uint64_t done = first - 1;
    std::uint64_t length = 1;
    Steps next;
    for (std::size_t level = 0; level < products_.size(); ++level) {
      const std::uint64_t size = kSmallest << level;
      const bool fits = done % size == 0 && first + size <= end;
      if (!fits || done / size >= products_[level].size()) break;
      length = size;
      next = products_[level][done / size];
    }
    product = after(length == 1 ? one(first) : next, product);
    first += length;
  }
  return product;
}

LazySgd::Steps LazySgd::constant(std::uint64_t count) const {
  Steps product;
  for (std::size_t bit = 0; count >> bit != 0; ++bit) {
    assert(bit < squares_.size());
    if (((count >> bit) & 1U) != 0) product = after(squares_[bit], product);
  }
  return product;
}

SgdCatchUp LazySgd::catch_up(std::uint64_t first, std::uint64_t last) const {
  assert(first <= last);
  const std::uint64_t settled = std::clamp(schedule_.settled(), first, last + 1);
  const Steps all = after(constant(last + 1 - settled), varying(first, settled));
  return {static_cast<float>(all.w_from_w), static_cast<float>(all.w_from_m),
          static_cast<float>(all.m_from_w), static_cast<float>(all.m_from_m)};
}

}  // namespace nibble
