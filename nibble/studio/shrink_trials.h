// The candidates of a search (shrink.h): judges each, remembers all, keeps the best. Not for use
// outside this room.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "nibble/studio/judge.h"
#include "nibble/studio/shrink.h"

namespace nibble {

// Microseconds of one row, the median of a twentieth of a second.
double microseconds_per_row(const Model& model, const RowsView& rows);

class ShrinkTrials {
 public:
  ShrinkTrials(const Model& original, const HeldOut& rows, const ShrinkLimits& limits,
               const ShrinkHooks& hooks);

  // The time is up or the user had enough.
  bool is_over() const;
  void phase(std::string_view sentence) const;
  // `model` answers rows with its own features; `validation` has them. Its accuracy.
  double consider(std::string recipe, Model model, const Rows& validation);

  double lowest_accuracy() const { return result_.original_accuracy - limits_.max_drop; }
  // Of the best so far; the largest number if there is none.
  std::size_t best_bytes() const;

  ShrinkResult finish() &&;

 private:
  bool is_better(const ShrinkCandidate& candidate) const;
  bool fits(ShrinkCandidate& candidate, const Model& model, const Rows& validation) const;
  void mark_front();

  std::span<const Label> labels_;
  ShrinkLimits limits_;
  ShrinkHooks hooks_;
  std::chrono::steady_clock::time_point end_;
  ShrinkResult result_;
};

}  // namespace nibble
