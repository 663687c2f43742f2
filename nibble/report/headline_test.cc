#include "nibble/report/headline.h"

#include <gtest/gtest.h>

#include "nibble/report/sample_study.h"

namespace nibble {
namespace {

VariantSummary variant_with(double difference, double p) {
  VariantSummary variant;
  variant.difference = {difference, 0.1};
  variant.mcnemar_p = p;
  return variant;
}

TEST(Verdict, OneSeedAsksThePairedTest) {
  const VariantSummary original;
  EXPECT_EQ(verdict_on(variant_with(-0.3, 0.2), original, 1), Verdict::kNoDifference);
  EXPECT_EQ(verdict_on(variant_with(-0.3, 0.01), original, 1), Verdict::kLoss);
  EXPECT_EQ(verdict_on(variant_with(0.3, 0.01), original, 1), Verdict::kGain);
  EXPECT_EQ(verdict_on(variant_with(-0.3, 0.05), original, 1), Verdict::kNoDifference);
}

TEST(Verdict, SeveralSeedsCompareWithTheirSpread) {
  VariantSummary original;
  original.accuracy = {80.0, 0.5};
  EXPECT_EQ(verdict_on(variant_with(-0.4, 0.001), original, 5), Verdict::kNoDifference);
  EXPECT_EQ(verdict_on(variant_with(-0.6, 1.0), original, 5), Verdict::kLoss);
}

TEST(Speed, IsSaidBothWays) {
  EXPECT_EQ(speed_text(3.3, 1.0), "answers 3.3 times as fast");
  EXPECT_EQ(speed_text(1.0, 1.0), "is as fast");
  EXPECT_EQ(speed_text(1.02, 1.0), "is as fast");
  EXPECT_EQ(speed_text(1.0, 1.8), "takes 1.8 times as long");
  EXPECT_EQ(speed_text(0.0, 1.0), "has no time to compare");
}

TEST(Headline, NamesTheSmallestVariantWithoutALoss) {
  EXPECT_EQ(headline(sample_study()),
            "Dynamic (INT4) needs 2.93\u00A0MB instead of 20.28, answers 4.0 times as fast, and "
            "shows no significant loss of accuracy");
}

TEST(Headline, PassesOverAVariantThatLost) {
  // Ten flips, seven of them from right to wrong by the tenfold labels: p = 0.016.
  EXPECT_EQ(headline(sample_numeric_study()).substr(0, 14), "Dynamic (INT8)");
}

TEST(Headline, AdmitsThatNothingHolds) {
  StudyResult result = sample_numeric_study();
  for (ResultRow& variant : result.runs.front().variants) {
    if (!variant.flips) continue;
    variant.accuracy = 50.0;
    variant.flips->mcnemar_p = 0.0;
  }
  EXPECT_EQ(headline(result),
            "No smaller form of the fashion-mnist network keeps the accuracy of 80.0 %");
}

TEST(VerdictText, CountsWhatChanged) {
  EXPECT_EQ(verdict_text(sample_study(), 2),
            "2.93 MB, 14 % of Original; answers 4.0 times as fast. Accuracy 79.79 against 80.01. "
            "10 rows of 1,821 changed "
            "label: 3 became right, 7 became wrong (exact McNemar test, p = 0.344: no significant "
            "difference).");
  EXPECT_NE(verdict_text(sample_study(), 3).find("Every test row keeps its label."),
            std::string::npos);
  EXPECT_NE(verdict_text(sample_study_of(3), 1)
                .find("mean difference over 3 seeds is +0.11 ± 0.00 points"),
            std::string::npos);
}

}  // namespace
}  // namespace nibble
