#include "nibble/measure/bench.h"

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/measure/synthetic_rows.h"
#include "nibble/measure/test_models.h"

namespace nibble {
namespace {

BenchSettings quick(std::vector<std::size_t> batches, std::size_t threads) {
  BenchSettings settings;
  settings.batches = std::move(batches);
  settings.threads = threads;
  settings.seconds = 0.0;
  return settings;
}

TEST(BenchModel, RunsEveryBatchThreadCountAndInputOfATextModel) {
  const TemporaryModelFile file(small_text_model(60));
  std::size_t steps = 0;
  BenchSettings settings = quick({1, 8}, 2);
  settings.on_step = [&](std::string_view) { ++steps; };
  const BenchReport report = bench_model(file.path(), std::nullopt, settings);
  ASSERT_EQ(report.runs.size(), 8U);
  std::size_t at = 0;
  for (const std::size_t threads : {1, 2}) {
    for (const std::size_t batch : {1, 8}) {
      for (const InputKind input : {InputKind::kSparse, InputKind::kDense}) {
        const BenchRun& run = report.runs[at++];
        EXPECT_EQ(run.threads, threads);
        EXPECT_EQ(run.batch, batch);
        EXPECT_EQ(run.input, input);
        EXPECT_GE(run.times.calls, batch == 1 ? 1000U : 20U);
        EXPECT_GT(run.rows_per_second, 0.0);
        EXPECT_GT(run.floor_ns, 0.0);
      }
    }
  }
  EXPECT_EQ(report.layers.size(), 6U);  // three layers at two batch sizes
  EXPECT_GT(report.load_ms, 0.0);
  EXPECT_GT(report.peak_resident_bytes, 0U);
  EXPECT_GT(report.cold.calls, 0U);
  EXPECT_TRUE(report.text.has_value());
  EXPECT_GT(steps, 4U);
}

TEST(BenchModel, TakesExamplesAndRepeatsFewRows) {
  const TemporaryModelFile file(small_numeric_model(33));
  Examples examples;
  examples.inputs = synthetic_numbers(3, 33);
  examples.labels = {0, 1, 2};
  examples.label_names = {"a", "b", "c"};
  examples.source = "made up";
  const BenchReport report = bench_model(file.path(), examples, quick({8}, 1));
  ASSERT_EQ(report.runs.size(), 1U);
  EXPECT_EQ(report.runs[0].input, InputKind::kDense);
  EXPECT_EQ(report.rows, "3 rows of made up");
  EXPECT_FALSE(report.text.has_value());
}

TEST(BenchModel, RefusesWhatItCannotTime) {
  const TemporaryModelFile file(small_numeric_model(33));
  EXPECT_THROW(bench_model("no-such-model.safetensors", std::nullopt, quick({1}, 1)), Error);
  EXPECT_THROW(bench_model(file.path(), std::nullopt, quick({}, 1)), Error);
  EXPECT_THROW(bench_model(file.path(), std::nullopt, quick({0}, 1)), Error);
  Examples texts;
  texts.inputs = Texts{"words"};
  texts.labels = {0};
  EXPECT_THROW(bench_model(file.path(), texts, quick({1}, 1)), Error);
}

TEST(Noise, IsFlaggedBeyondAFewPerCent) {
  EXPECT_FALSE(Noise{}.noisy());
  EXPECT_FALSE((Noise{.cpu_share = 0.99, .drift = 0.05, .peak_change = -0.02}.noisy()));
  EXPECT_TRUE((Noise{.cpu_share = 0.9, .drift = 0.0, .peak_change = 0.0}.noisy()));
  EXPECT_TRUE((Noise{.cpu_share = 1.0, .drift = 0.2, .peak_change = 0.0}.noisy()));
  EXPECT_TRUE((Noise{.cpu_share = 1.0, .drift = 0.0, .peak_change = -0.1}.noisy()));
}

}  // namespace
}  // namespace nibble
