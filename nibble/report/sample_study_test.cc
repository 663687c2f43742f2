#include "nibble/report/sample_study.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "nibble/measure/statistics.h"

namespace nibble {
namespace {

constexpr std::size_t kTestRows = 1821;

const std::vector<std::size_t> kFlippedByInt4 = {3, 17, 256, 402, 777, 901, 1100, 1333, 1500, 1820};

struct VariantPlan {
  const char* name;
  Scheme scheme;
  const char* file;
  std::size_t bytes_per_weight_times_8;
  double median_ms;
  double rows_per_second;
  std::vector<std::size_t> flipped;
};

std::vector<VariantPlan> plans() {
  return {{"Original", Scheme::kF32, "models/original.safetensors", 32, 0.00346, 599'300.0, {}},
          {"Dynamic (INT8)",
           Scheme::kInt8,
           "models/int8.safetensors",
           8,
           0.00106,
           2'081'300.0,
           {17, 402}},
          {"Dynamic (INT4)", Scheme::kInt4, "models/int4.safetensors", 4, 0.00087, 1'765'500.0,
           kFlippedByInt4},
          {"Half", Scheme::kF16, "models/half.safetensors", 16, 0.00252, 644'800.0, {}}};
}

// A deterministic classifier that is right on about four rows of five.
Label truth_of(std::size_t row, std::size_t labels) {
  return static_cast<Label>((row * 7 + row / 3) % labels);
}
Label original_label(std::size_t row, std::size_t labels) {
  const Label truth = truth_of(row, labels);
  return row % 5 == 2 ? static_cast<Label>((truth + 1) % static_cast<Label>(labels)) : truth;
}

StorageBreakdown storage_of(const VariantPlan& plan) {
  StorageBreakdown storage;
  storage.weights = 5'292'160 * plan.bytes_per_weight_times_8 / 8;
  storage.biases = 962 * 4;
  storage.scales = plan.scheme == Scheme::kInt8   ? 962 * 4
                   : plan.scheme == Scheme::kInt4 ? 330'760
                                                  : 0;
  storage.vocabulary = 85'613;
  storage.file = storage.weights + storage.biases + storage.scales + storage.vocabulary + 2'104;
  return storage;
}

Flips flips_of(const std::vector<std::size_t>& rows, const ResultRow& variant, std::size_t labels) {
  Flips flips;
  flips.rows = rows;
  for (const std::size_t row : rows) {
    flips.gained += variant.predicted[row] == truth_of(row, labels) ? 1 : 0;
    flips.lost += original_label(row, labels) == truth_of(row, labels) ? 1 : 0;
  }
  flips.mcnemar_p = mcnemar_p(flips.gained, flips.lost);
  return flips;
}

ResultRow variant_of(const VariantPlan& plan, std::size_t labels, bool texts) {
  ResultRow row;
  row.name = plan.name;
  row.scheme = plan.scheme;
  row.file = plan.file;
  row.confusion.assign(labels, std::vector<std::size_t>(labels, 0));
  std::size_t right = 0;
  for (std::size_t index = 0; index < kTestRows; ++index) {
    Label label = original_label(index, labels);
    if (std::ranges::count(plan.flipped, index) > 0)
      label = static_cast<Label>((label + 1) % static_cast<Label>(labels));
    row.predicted.push_back(label);
    right += label == truth_of(index, labels) ? 1 : 0;
    ++row.confusion[truth_of(index, labels)][label];
  }
  row.accuracy = 100.0 * static_cast<double>(right) / kTestRows;
  row.accuracy_interval = wilson_interval(right, kTestRows);
  row.storage = storage_of(plan);
  row.latency = {plan.median_ms, plan.median_ms * 1.1, plan.median_ms * 1.35};
  row.rows_per_second = plan.rows_per_second;
  if (texts) row.text_to_label_us = 1.4 + 1000.0 * plan.median_ms;
  if (plan.scheme != Scheme::kF32) row.flips = flips_of(plan.flipped, row, labels);
  return row;
}

SeedRun run_of(std::uint32_t seed, std::size_t labels, bool texts) {
  SeedRun run;
  run.seed = seed;
  run.history = sample_history(10);
  run.best_epoch = 7;
  run.validation_accuracy = run.history[6].validation_accuracy;
  run.validation_loss = run.history[6].validation_loss;
  run.train_seconds = 0.79;
  for (const VariantPlan& plan : plans()) run.variants.push_back(variant_of(plan, labels, texts));
  return run;
}

DataProfile profile_of(std::size_t rows, const LabelNames& names) {
  DataProfile profile;
  profile.rows = rows;
  for (const std::string& name : names) {
    const std::size_t share = rows / names.size();
    profile.labels.push_back(
        {name, share, 100.0 * static_cast<double>(share) / static_cast<double>(rows)});
  }
  return profile;
}

std::vector<LayerLine> layers_of(const std::vector<std::size_t>& sizes) {
  std::vector<LayerLine> layers;
  for (std::size_t index = 0; index + 1 < sizes.size(); ++index) {
    const std::size_t products = sizes[index] * sizes[index + 1];
    const std::size_t biases = 4 * sizes[index + 1];
    layers.push_back({std::to_string(3 * index),
                      sizes[index],
                      sizes[index + 1],
                      products + sizes[index + 1],
                      products,
                      {4 * products + biases, products + 2 * biases, products * 9 / 16 + biases,
                       2 * products + biases}});
  }
  return layers;
}

void add_surroundings(StudyResult& result, std::size_t inputs) {
  result.data.split = "sklearn";
  result.data.split_seed = 42;
  result.data.features = inputs;
  result.data.parts = {{"training", profile_of(5536, result.label_names)},
                       {"validation", profile_of(1384, result.label_names)},
                       {"test", profile_of(kTestRows, result.label_names)}};
  result.data.parts.front().profile.duplicate_rows = 9;
  result.layers = layers_of({inputs, 512, 256, 128, 64, result.label_names.size()});
  for (const LayerLine& layer : result.layers) result.parameters += layer.parameters;
  result.settings = {{"batch", "32"},
                     {"dropout", "0.3"},
                     {"epochs", "10"},
                     {"hidden", "512,256,128,64"},
                     {"learning_rate", "0.0001"},
                     {"seed", "0"}};
  result.machine = {"AMD EPYC 9B14",
                    2,
                    "AVX3_ZEN4",
                    "15.6 GiB",
                    "Debian GNU/Linux 12 (bookworm), Linux 6.1.0",
                    "GCC 12.2.0",
                    "0.1.0"};
  result.threads = 2;
  result.seconds = {0.11, 0.79, 0.21, 0.87};
}

// What texts can do to a page: tags, quotes, entities, right-to-left letters, no break for a long
// way, nothing.
const std::array<const char*, 10> kTexts = {
    "<script>alert('stolen')</script> is not how a film should begin",
    "a gorgeous, witty, seductive movie .",
    "it 's \"good\" & it 's bad & that 's that",
    "this is a film well worth seeing , talking and singing heads and all .",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaa",
    "un film étonnant — 素晴らしい映画",
    "فيلم رائع جدا",
    "</td></table><h1>broken out</h1>",
    "",
    "if steven soderbergh 's ` solaris ' is a failure it is a glorious failure ."};

}  // namespace

History sample_history(std::size_t epochs) {
  History history;
  const auto count = static_cast<double>(epochs);
  for (std::size_t epoch = 1; epoch <= epochs; ++epoch) {
    const double done = static_cast<double>(epoch) / count;
    history.push_back({epoch, 0.12 + 0.57 * std::exp(-2.6 * done),
                       0.43 + 0.5 * (done - 0.6) * (done - 0.6),
                       81.1 - 26.0 * std::pow(1.0 - std::min(1.0, done / 0.7), 2.0) -
                           (done > 0.7 ? 1.3 * (done - 0.7) : 0.0),
                       0.078});
  }
  return history;
}

StudyResult sample_study() { return sample_study_of(1); }

StudyResult sample_study_of(std::size_t seeds) {
  StudyResult result;
  result.label_names = {"0", "1"};
  result.data.name = "sst2";
  result.data.files = {{"train.tsv", std::string(64, 'e')}, {"test.tsv", std::string(64, '8')}};
  result.data.test_rows_in_training = 1;
  add_surroundings(result, 10'000);
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    result.runs.push_back(run_of(static_cast<std::uint32_t>(seed), 2, true));
    for (ResultRow& variant : result.runs.back().variants)
      variant.accuracy += 0.3 * static_cast<double>(seed);
    result.runs.back().validation_accuracy += 0.2 * static_cast<double>(seed);
  }
  std::size_t next = 0;
  for (const std::size_t row : kFlippedByInt4)
    result.flipped_rows.push_back({row, truth_of(row, 2), kTexts[next++]});
  return result;
}

StudyResult sample_numeric_study() {
  StudyResult result;
  result.label_names = {"t-shirt/top", "trouser", "pullover", "dress", "coat",
                        "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot"};
  result.data.name = "fashion-mnist";
  result.data.is_text = false;
  add_surroundings(result, 784);
  result.runs.push_back(run_of(0, result.label_names.size(), false));
  for (const std::size_t row : kFlippedByInt4)
    result.flipped_rows.push_back({row, truth_of(row, result.label_names.size()), ""});
  return result;
}

}  // namespace nibble
