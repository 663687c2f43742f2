#include "nibble/studio/shrink_trials.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "nibble/formats/nibble_model.h"
#include "nibble/measure/latency.h"
#include "nibble/measure/timing.h"
#include "nibble/model/summary.h"

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

double microseconds_per_row(const Model& model, const RowsView& rows) {
  const Predictor predictor(model);
  TimingLimits limits;
  limits.seconds = 0.05;
  return time_calls(network_calls(predictor, rows, 1, nullptr), limits).median_ns / 1000.0;
}

ShrinkTrials::ShrinkTrials(const Model& original, const HeldOut& rows, const ShrinkLimits& limits,
                           const ShrinkHooks& hooks)
    : labels_(rows.validation.examples.labels),
      limits_(limits),
      hooks_(hooks),
      end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                              std::chrono::duration<double>(60.0 * limits.minutes))) {
  result_.original_accuracy =
      judge(std::get<Mlp>(original.network), rows.validation.labelled()).accuracy;
}

bool ShrinkTrials::is_over() const {
  return Clock::now() >= end_ || (hooks_.should_stop && hooks_.should_stop());
}

void ShrinkTrials::phase(std::string_view sentence) const {
  if (hooks_.on_phase) hooks_.on_phase(sentence);
}

std::size_t ShrinkTrials::best_bytes() const {
  return result_.best ? result_.tried[*result_.best].bytes
                      : std::numeric_limits<std::size_t>::max();
}

bool ShrinkTrials::is_better(const ShrinkCandidate& candidate) const {
  if (!result_.best) return true;
  const ShrinkCandidate& best = result_.tried[*result_.best];
  if (limits_.max_bytes > 0 && candidate.accuracy != best.accuracy)
    return candidate.accuracy > best.accuracy;
  return candidate.bytes < best.bytes;
}

bool ShrinkTrials::fits(ShrinkCandidate& candidate, const Model& model,
                        const Rows& validation) const {
  if (candidate.accuracy < lowest_accuracy()) return false;
  if (limits_.max_bytes > 0 && candidate.bytes > limits_.max_bytes) return false;
  if (limits_.max_us <= 0.0) return true;
  candidate.microseconds = microseconds_per_row(model, view_of(validation));
  return candidate.microseconds <= limits_.max_us;
}

double ShrinkTrials::consider(std::string recipe, Model model, const Rows& validation) {
  model.provenance.settings["recipe"] = recipe;
  const Verdict verdict =
      judge(std::get<QuantizedMlp>(model.network), {view_of(validation), labels_});
  ShrinkCandidate candidate{.recipe = std::move(recipe),
                            .bytes = nibble_model_bytes(model),
                            .parameters = summarize(model).total.bytes,
                            .accuracy = verdict.accuracy,
                            .loss = verdict.loss};
  const bool better = is_better(candidate) && fits(candidate, model, validation);
  const double accuracy = candidate.accuracy;
  if (better) {
    if (candidate.microseconds == 0.0)  // not measured by fits()
      candidate.microseconds = microseconds_per_row(model, view_of(validation));
    result_.best = result_.tried.size();
    if (hooks_.on_better) hooks_.on_better(model, candidate);
    result_.model = std::move(model);
  }
  result_.tried.push_back(std::move(candidate));
  return accuracy;
}

void ShrinkTrials::mark_front() {
  for (ShrinkCandidate& one : result_.tried) {
    one.on_front = std::ranges::none_of(result_.tried, [&](const ShrinkCandidate& other) {
      const bool as_good = other.bytes <= one.bytes && other.accuracy >= one.accuracy;
      return as_good && (other.bytes < one.bytes || other.accuracy > one.accuracy);
    });
  }
}

ShrinkResult ShrinkTrials::finish() && {
  mark_front();
  result_.interrupted = hooks_.should_stop && hooks_.should_stop();
  return std::move(result_);
}

}  // namespace nibble
