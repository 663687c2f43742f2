#include "nibble/measure/result_row.h"

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

void fill_accuracy(const VariantMeasure& how, const Examples& test, ResultRow& result) {
  const std::size_t right = count_equal(result.predicted, test.labels);
  result.accuracy = 100.0 * static_cast<double>(right) / static_cast<double>(test.rows());
  result.accuracy_interval = wilson_interval(right, test.rows());
  result.confusion = confusion_counts(result.predicted, test.labels, test.label_names.size());
  if (how.original != nullptr) {
    result.flips = flips_against(*how.original, result.predicted, test.labels);
  }
}

Latency in_milliseconds(const CallTimes& times) {
  return {times.median_ns * 1e-6, times.p90_ns * 1e-6, times.p99_ns * 1e-6};
}

void fill_times(const Predictor& predictor, const Rows& rows, const Examples& test,
                const TimingLimits& limits, ResultRow& result) {
  constexpr std::size_t kBatch = 256;
  result.latency =
      in_milliseconds(time_calls(network_calls(predictor, view_of(rows), 1, nullptr), limits));

  const Rows enough = repeat_rows(rows, kBatch);
  const TimedCall batches = network_calls(predictor, view_of(enough), kBatch, nullptr);
  result.rows_per_second = static_cast<double>(kBatch) * calls_per_second(batches, limits);

  if (!test.is_text()) return;
  const CallTimes texts = time_calls(text_calls(predictor, test.texts()), limits);
  result.text_to_label_us = texts.median_ns * 1e-3;
}

}  // namespace

ResultRow measure_variant(const VariantMeasure& how, const Examples& test) {
  const Model model = load_model(how.file);
  require_fitting_labels(model, test, how.file);
  const Rows rows = featurize(model.featurizer, test.inputs);
  const Predictor predictor(model);

  ResultRow result;
  result.name = how.name;
  result.scheme = model.scheme();
  result.file = how.file.string();
  result.storage = storage_breakdown(model, how.file);
  result.predicted = predict_labels(predictor, view_of(rows), how.pool);
  fill_accuracy(how, test, result);
  fill_times(predictor, rows, test, how.timing, result);
  return result;
}

}  // namespace nibble
