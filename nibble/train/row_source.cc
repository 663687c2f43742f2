#include "nibble/train/row_source.h"

#include <numeric>

#include "nibble/core/random.h"

namespace nibble {

std::vector<std::size_t> MemoryRows::label_counts(std::size_t labels) const {
  std::vector<std::size_t> counts(labels);
  for (const Label label : part_.labels) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

void MemoryRows::begin(std::size_t epoch) {
  given_ = false;
  if (shuffle_) {
    order_ = shuffled_order(rows(), seed_, epoch);
  } else if (order_.size() != rows()) {
    order_.resize(rows());
    std::iota(order_.begin(), order_.end(), 0U);
  }
}

std::optional<RowWindow> MemoryRows::next() {
  if (given_) return std::nullopt;
  given_ = true;
  return RowWindow{part_, order_};
}

}  // namespace nibble
