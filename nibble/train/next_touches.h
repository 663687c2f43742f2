// When the features of a batch are touched again, read from the order in which rows will be taken.
//
// A weight row whose next use is known can be brought up to the step before it while its moments
// still lie in registers, and the next forward pass reads a third of its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nibble/data/rows.h"

namespace nibble {

class NextTouches {
 public:
  explicit NextTouches(std::size_t features) : last_(features, kNone) {}

  // The batches of steps first, first + 1, ... are `order` cut into pieces of `batch`. With
  // `to_the_end` nothing is touched after them before all weights are looked at; without it, what
  // they touch last is touched again nobody knows when. Rows and order must outlive their steps.
  void expect(const SparseRowsView& rows, std::span<const std::uint32_t> order, std::size_t batch,
              std::uint32_t first, bool to_the_end);

  // For each feature that this step touches, in the order in which its rows name them first: the
  // next step that touches it, the step after the last expected one for none before the end, or
  // kUnknown. Empty if the step is not expected. Steps must be asked for in order. Valid until the
  // next call.
  std::span<const std::uint32_t> after(std::uint32_t step);

  static constexpr std::uint32_t kUnknown = 0;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  // Touches that are looked at together: 4 MB, and of an epoch of SST-2 all.
  static constexpr std::size_t kMost = std::size_t{1} << 20;

  void find_ends(std::uint32_t first);
  void look_ahead();
  void add_batch(std::span<const std::uint32_t> rows, std::uint32_t step);

  SparseRowsView rows_;
  std::span<const std::uint32_t> rest_;  // of the order, not looked at yet
  std::size_t batch_ = 1;
  std::uint32_t first_ = 1;          // step of the first batch that was looked at
  std::vector<std::size_t> begins_;  // of each batch looked at: its first touch; and their end
  std::vector<std::uint32_t> again_;
  std::vector<std::uint32_t> last_;  // of each feature: its last touch among those, or kNone
  // Of each feature: the last step that touches it; only where the end is known and far away.
  std::vector<std::uint32_t> ends_;
  std::uint32_t end_ = kUnknown;  // the step after the last expected one, if that is the end
};

}  // namespace nibble
