#include "nibble/report/results_json.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "nibble/report/sample_study.h"

namespace nibble {
namespace {

using nlohmann::json;

TEST(ResultsJson, HoldsTheKeysThatWerePromised) {
  const StudyResult result = sample_study();
  const json read = json::parse(results_json(result));
  EXPECT_EQ(read["data"], "sst2");
  EXPECT_EQ(read["seed"], 0);
  EXPECT_EQ(read["parameters"], 5'293'122);
  EXPECT_EQ(read["best_epoch"], 7);
  EXPECT_EQ(read["validation_accuracy"], result.first().validation_accuracy);
  EXPECT_EQ(read["train_seconds"], 0.79);
  EXPECT_EQ(read["machine"]["cpu"], "AMD EPYC 9B14");
  EXPECT_FALSE(read.contains("seeds"));
  ASSERT_EQ(read["variants"].size(), 4U);
  const json& int4 = read["variants"][2];
  EXPECT_EQ(int4["name"], "Dynamic (INT4)");
  EXPECT_EQ(int4["scheme"], "int4");
  EXPECT_NEAR(int4["accuracy"].get<double>(), 100.0 * 1453 / 1821, 1e-12);
  EXPECT_EQ(int4["bytes"], result.first().variants[2].storage.file);
  EXPECT_DOUBLE_EQ(int4["megabytes"].get<double>(), int4["bytes"].get<double>() / 1048576.0);
  EXPECT_EQ(int4["latency_ms"]["median"], 0.00087);
  EXPECT_TRUE(int4["latency_ms"].contains("p90") && int4["latency_ms"].contains("p99"));
  EXPECT_EQ(int4["rows_per_second"], 1'765'500.0);
  EXPECT_TRUE(int4["text_to_label_us"].is_number());
  EXPECT_EQ(int4["flipped"], 10);
  EXPECT_EQ(int4["mcnemar_p"], 0.34375);
}

TEST(ResultsJson, OriginalHasNoFlips) {
  const json read = json::parse(results_json(sample_study()));
  EXPECT_TRUE(read["variants"][0]["flipped"].is_null());
  EXPECT_TRUE(read["variants"][0]["mcnemar_p"].is_null());
}

TEST(ResultsJson, SeveralSeedsAreListedWithTheirMeans) {
  const json read = json::parse(results_json(sample_study_of(3)));
  ASSERT_EQ(read["seeds"].size(), 3U);
  EXPECT_EQ(read["seeds"][2]["seed"], 2);
  EXPECT_EQ(read["seeds"][2]["variants"].size(), 4U);
  EXPECT_NEAR(read["mean"]["variants"][0]["accuracy"]["standard_deviation"].get<double>(), 0.3,
              1e-9);
  EXPECT_EQ(read["variants"], read["seeds"][0]["variants"]);
}

TEST(ResultsJson, SurvivesWhatJsonCannotHold) {
  StudyResult result = sample_study();
  result.data.name = "broken \xFF name \"quoted\"";
  result.runs.front().validation_loss = std::nan("");
  const json read = json::parse(results_json(result));
  EXPECT_EQ(read["data"], "broken \uFFFD name \"quoted\"");
  EXPECT_TRUE(read["validation_loss"].is_null());
}

}  // namespace
}  // namespace nibble
