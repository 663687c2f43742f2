#include "nibble/report/variant_summary.h"

#include <functional>

#include "nibble/measure/statistics.h"

namespace nibble {
namespace {

// One figure of one variant from every run; none where a run has no such figure.
std::vector<double> over_runs(
    const StudyResult& result, std::size_t variant,
    const std::function<std::optional<double>(const ResultRow&)>& figure) {
  std::vector<double> values;
  for (const SeedRun& run : result.runs)
    if (const std::optional<double> value = figure(run.variants[variant])) values.push_back(*value);
  return values;
}

std::optional<double> median_or_none(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return median(values);
}

Spread accuracy_difference(const StudyResult& result, std::size_t variant) {
  std::vector<double> differences;
  for (const SeedRun& run : result.runs)
    differences.push_back(run.variants[variant].accuracy - run.variants.front().accuracy);
  return spread_of(differences);
}

std::optional<double> flipped_count(const ResultRow& row) {
  if (!row.flips) return std::nullopt;
  return static_cast<double>(row.flips->rows.size());
}

std::optional<double> flips_p(const ResultRow& row) {
  if (!row.flips) return std::nullopt;
  return row.flips->mcnemar_p;
}

VariantSummary summarise_variant(const StudyResult& result, std::size_t variant) {
  const auto values = [&](const auto& figure) { return over_runs(result, variant, figure); };
  VariantSummary summary;
  summary.name = result.first().variants[variant].name;
  summary.scheme = result.first().variants[variant].scheme;
  summary.accuracy = spread_of(values([](const ResultRow& row) { return row.accuracy; }));
  summary.difference = accuracy_difference(result, variant);
  summary.accuracy_interval = {
      spread_of(values([](const ResultRow& row) { return row.accuracy_interval.low; })).mean,
      spread_of(values([](const ResultRow& row) { return row.accuracy_interval.high; })).mean};
  summary.bytes =
      spread_of(values([](const ResultRow& row) { return static_cast<double>(row.storage.file); }));
  summary.latency_ms = median(values([](const ResultRow& row) { return row.latency.median_ms; }));
  summary.p99_ms = median(values([](const ResultRow& row) { return row.latency.p99_ms; }));
  summary.rows_per_second =
      median(values([](const ResultRow& row) { return row.rows_per_second; }));
  summary.text_to_label_us =
      median_or_none(values([](const ResultRow& row) { return row.text_to_label_us; }));
  if (const std::vector<double> counts = values(flipped_count); !counts.empty())
    summary.flipped = spread_of(counts);
  summary.mcnemar_p = median_or_none(values(flips_p));
  return summary;
}

}  // namespace

std::vector<VariantSummary> summarise(const StudyResult& result) {
  std::vector<VariantSummary> summaries;
  for (std::size_t variant = 0; variant < result.first().variants.size(); ++variant)
    summaries.push_back(summarise_variant(result, variant));
  return summaries;
}

Spread validation_accuracy(const StudyResult& result) {
  std::vector<double> values;
  for (const SeedRun& run : result.runs) values.push_back(run.validation_accuracy);
  return spread_of(values);
}

}  // namespace nibble
