#include "nibble/measure/result_row.h"

#include <utility>

#include <fmt/ranges.h>

#include "nibble/core/error.h"
#include "nibble/infer/predictor.h"
#include "nibble/measure/accuracy.h"
#include "nibble/measure/latency.h"

namespace nibble {
namespace {

void require_fitting_labels(const Model& model, const Examples& test,
                            const std::filesystem::path& file) {
  if (test.rows() == 0) {
    throw_error("cannot measure {}: no test row in {}; give at least one", file.string(),
                test.source);
  }
  if (model.labels != test.label_names) {
    throw_error("cannot measure {}: it knows the labels {}, but {} has {}; give it its own data",
                file.string(), fmt::join(model.labels, ", "), test.source,
                fmt::join(test.label_names, ", "));
  }
}

// A variant as it was loaded, and what its row of the table says so far.
struct LoadedVariant {
  Predictor predictor;
  Rows rows;  // the test rows as its inputs
  ResultRow result;
};

LoadedVariant load_variant(const VariantFile& variant, const Examples& test, ThreadPool* pool) {
  Model model = load_model(variant.file);
  require_fitting_labels(model, test, variant.file);
  ResultRow result;
  result.name = variant.name;
  result.scheme = model.scheme();
  result.file = variant.file.string();
  result.storage = storage_breakdown(model, variant.file);
  Rows rows = featurize(model.featurizer, test.inputs);
  Predictor predictor(std::move(model));
  result.predicted = predict_labels(predictor, view_of(rows), pool);
  return {std::move(predictor), std::move(rows), std::move(result)};
}

void fill_accuracy(const Examples& test, ResultRow& result) {
  const std::size_t right = count_equal(result.predicted, test.labels);
  result.accuracy = 100.0 * static_cast<double>(right) / static_cast<double>(test.rows());
  result.accuracy_interval = wilson_interval(right, test.rows());
  result.confusion = confusion_counts(result.predicted, test.labels, test.label_names.size());
}

Latency in_milliseconds(const CallTimes& times) {
  return {times.median_ns * 1e-6, times.p90_ns * 1e-6, times.p99_ns * 1e-6};
}

template <typename Make>
std::vector<TimedCall> calls_of(const std::vector<LoadedVariant>& variants, const Make& make) {
  std::vector<TimedCall> calls;
  calls.reserve(variants.size());
  for (const LoadedVariant& variant : variants) calls.push_back(make(variant));
  return calls;
}

void fill_latencies(std::vector<LoadedVariant>& variants, const TimingLimits& limits) {
  const std::vector<TimedCall> calls = calls_of(variants, [](const LoadedVariant& variant) {
    return network_calls(variant.predictor, view_of(variant.rows), 1, nullptr);
  });
  const std::vector<CallTimes> times = time_in_turns(calls, limits);
  for (std::size_t i = 0; i < variants.size(); ++i)
    variants[i].result.latency = in_milliseconds(times[i]);
}

void fill_rates(std::vector<LoadedVariant>& variants, const TimingLimits& limits) {
  constexpr std::size_t kBatch = 256;
  std::vector<Rows> enough;
  enough.reserve(variants.size());
  for (const LoadedVariant& variant : variants) enough.push_back(repeat_rows(variant.rows, kBatch));
  std::vector<TimedCall> calls;
  calls.reserve(variants.size());
  for (std::size_t i = 0; i < variants.size(); ++i)
    calls.push_back(network_calls(variants[i].predictor, view_of(enough[i]), kBatch, nullptr));
  const std::vector<double> rates = rates_in_turns(calls, limits);
  for (std::size_t i = 0; i < variants.size(); ++i)
    variants[i].result.rows_per_second = static_cast<double>(kBatch) * rates[i];
}

void fill_text_times(std::vector<LoadedVariant>& variants, const Texts& texts,
                     const TimingLimits& limits) {
  const std::vector<TimedCall> calls = calls_of(
      variants, [&](const LoadedVariant& variant) { return text_calls(variant.predictor, texts); });
  const std::vector<CallTimes> times = time_in_turns(calls, limits);
  for (std::size_t i = 0; i < variants.size(); ++i)
    variants[i].result.text_to_label_us = times[i].median_ns * 1e-3;
}

}  // namespace

std::vector<ResultRow> measure_variants(const std::vector<VariantFile>& variants,
                                        const Examples& test, const VariantTiming& timing) {
  std::vector<LoadedVariant> loaded;
  loaded.reserve(variants.size());
  for (const VariantFile& variant : variants)
    loaded.push_back(load_variant(variant, test, timing.pool));
  fill_latencies(loaded, timing.limits);
  fill_rates(loaded, timing.limits);
  if (test.is_text()) fill_text_times(loaded, test.texts(), timing.limits);

  std::vector<ResultRow> rows;
  rows.reserve(variants.size());
  for (LoadedVariant& variant : loaded) {
    ResultRow& row = rows.emplace_back(std::move(variant.result));
    fill_accuracy(test, row);
    if (rows.size() > 1)
      row.flips = flips_against(rows.front().predicted, row.predicted, test.labels);
  }
  return rows;
}

}  // namespace nibble
