#include "nibble/report/headline.h"

#include <cmath>

#include <fmt/format.h>

#include "nibble/core/thousands.h"

namespace nibble {
namespace {

constexpr double kSignificance = 0.05;
// Below this two times are called the same: the machine's own drift (10 to 15 % between runs) hides
// less.
constexpr double kSameSpeed = 1.05;

const VariantSummary* smallest_without_loss(const std::vector<VariantSummary>& variants,
                                            std::size_t seeds) {
  const VariantSummary* best = nullptr;
  for (std::size_t index = 1; index < variants.size(); ++index) {
    const VariantSummary& variant = variants[index];
    const bool smaller =
        variant.bytes.mean < (best == nullptr ? variants.front().bytes.mean : best->bytes.mean);
    if (smaller && verdict_on(variant, variants.front(), seeds) != Verdict::kLoss) best = &variant;
  }
  return best;
}

std::string accuracy_text(const VariantSummary& variant) {
  if (variant.accuracy.deviation == 0.0) return fmt::format("{:.2f}", variant.accuracy.mean);
  return fmt::format("{:.2f} ± {:.2f}", variant.accuracy.mean, variant.accuracy.deviation);
}

std::string rows_text(std::size_t rows) {
  return fmt::format("{} {}", with_thousands(rows), rows == 1 ? "row" : "rows");
}

std::string conclusion(Verdict verdict) {
  switch (verdict) {
    case Verdict::kLoss:
      return "a significant loss";
    case Verdict::kGain:
      return "a significant gain";
    case Verdict::kNoDifference:
      break;
  }
  return "no significant difference";
}

// With one seed: which rows changed, and what the paired test makes of it.
std::string paired_text(const ResultRow& row, Verdict verdict) {
  if (!row.flips) return "";
  const Flips& flips = *row.flips;
  if (flips.rows.empty()) return "Every test row keeps its label.";
  const std::size_t neither = flips.rows.size() - flips.gained - flips.lost;
  std::string text = fmt::format("{} of {} changed label: {} became right, {} became wrong",
                                 rows_text(flips.rows.size()), with_thousands(row.predicted.size()),
                                 flips.gained, flips.lost);
  if (neither > 0) text += fmt::format(", {} stayed wrong", neither);
  return text + fmt::format(" (exact McNemar test, p {}: {}).",
                            flips.mcnemar_p < 0.001 ? "below 0.001"
                                                    : fmt::format("= {:.3f}", flips.mcnemar_p),
                            conclusion(verdict));
}

std::string between_seeds_text(const VariantSummary& variant, Verdict verdict, std::size_t seeds) {
  std::string difference = fmt::format("{:+.2f}", variant.difference.mean);
  if (difference.front() == '-') difference.replace(0, 1, "−");
  return fmt::format(
      "The mean difference over {} seeds is {} ± {:.2f} points, {} than Original varies from seed "
      "to seed.",
      seeds, difference, variant.difference.deviation,
      verdict == Verdict::kNoDifference ? "no more" : "more");
}

}  // namespace

Verdict verdict_on(const VariantSummary& variant, const VariantSummary& original,
                   std::size_t seeds) {
  const double difference = variant.difference.mean;
  const bool differs = seeds > 1 ? std::abs(difference) > original.accuracy.deviation
                                 : variant.mcnemar_p.value_or(1.0) < kSignificance;
  if (!differs) return Verdict::kNoDifference;
  return difference < 0.0 ? Verdict::kLoss : Verdict::kGain;
}

std::string speed_text(double original_ms, double variant_ms) {
  if (original_ms <= 0.0 || variant_ms <= 0.0) return "has no time to compare";
  const double ratio = original_ms / variant_ms;
  if (ratio >= kSameSpeed) return fmt::format("answers {:.1f} times as fast", ratio);
  if (ratio > 1.0 / kSameSpeed) return "is as fast";
  return fmt::format("takes {:.1f} times as long", 1.0 / ratio);
}

std::string headline(const StudyResult& result) {
  const std::vector<VariantSummary> variants = summarise(result);
  const VariantSummary& original = variants.front();
  const VariantSummary* best = smallest_without_loss(variants, result.runs.size());
  if (best == nullptr)
    return fmt::format("No smaller form of the {} network keeps the accuracy of {:.1f} %",
                       result.data.name, original.accuracy.mean);
  const char* loss = result.runs.size() > 1 ? "loses no more accuracy than seeds differ"
                                            : "shows no significant loss of accuracy";
  // U+00A0 keeps a number and its unit on one line.
  return fmt::format("{} needs {}\u00A0MB instead of {}, {}, and {}", best->name,
                     megabytes_text(best->bytes.mean), megabytes_text(original.bytes.mean),
                     speed_text(original.latency_ms, best->latency_ms), loss);
}

std::string verdict_text(const StudyResult& result, std::size_t variant) {
  const std::vector<VariantSummary> variants = summarise(result);
  const VariantSummary& original = variants.front();
  const VariantSummary& chosen = variants[variant];
  const std::size_t seeds = result.runs.size();
  const Verdict verdict = verdict_on(chosen, original, seeds);
  std::string text = fmt::format("{} MB, {:.0f} % of Original; {}. Accuracy {} against {}. ",
                                 megabytes_text(chosen.bytes.mean),
                                 100.0 * chosen.bytes.mean / original.bytes.mean,
                                 speed_text(original.latency_ms, chosen.latency_ms),
                                 accuracy_text(chosen), accuracy_text(original));
  return text + (seeds > 1 ? between_seeds_text(chosen, verdict, seeds)
                           : paired_text(result.first().variants[variant], verdict));
}

std::string certainty_text(const StudyResult& result) {
  const ResultRow& original = result.first().variants.front();
  const double half = (original.accuracy_interval.high - original.accuracy_interval.low) / 2.0;
  return fmt::format(
      "With {} test rows an accuracy is known to about ±{:.1f} points. Differences between "
      "variants are known better, "
      "because all of them label the same rows: there the changed rows count, not the accuracies "
      "alone.",
      with_thousands(original.predicted.size()), half);
}

}  // namespace nibble
