#include "nibble/train/row_source.h"

#include <numeric>

#include "nibble/core/random.h"

namespace nibble {

std::vector<std::uint32_t> taking_order(std::size_t count, bool shuffle, std::uint32_t seed,
                                        std::uint64_t round) {
  if (shuffle) return shuffled_order(count, seed, round);
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

std::vector<std::size_t> MemoryRows::label_counts(std::size_t labels) const {
  std::vector<std::size_t> counts(labels);
  for (const Label label : part_.labels) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

void MemoryRows::begin(std::size_t epoch) {
  given_ = false;
  order_ = taking_order(rows(), shuffle_, seed_, epoch);
}

std::optional<RowWindow> MemoryRows::next() {
  if (given_) return std::nullopt;
  given_ = true;
  return RowWindow{part_, order_, true};
}

}  // namespace nibble
