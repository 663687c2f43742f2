#include "nibble/measure/accuracy.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

using Counts = std::vector<std::vector<std::size_t>>;

const std::vector<Label> kTruth = {0, 1, 2, 0, 1, 2, 0};
const std::vector<Label> kOriginal = {0, 1, 1, 0, 2, 2, 1};
const std::vector<Label> kVariant = {0, 2, 0, 1, 1, 2, 0};  // 1 lost, 2 neither, 3 lost, 4 6 gained

TEST(Accuracy, CountsRowsThatAreRight) {
  EXPECT_EQ(count_equal(kOriginal, kTruth), 4U);
  EXPECT_EQ(count_equal(kTruth, kTruth), 7U);
  EXPECT_EQ(count_equal({}, {}), 0U);
}

TEST(Confusion, HasTruthInRows) {
  EXPECT_EQ(confusion_counts(kOriginal, kTruth, 3), (Counts{{2, 1, 0}, {0, 1, 1}, {0, 1, 1}}));
  EXPECT_EQ(confusion_counts({}, {}, 2), (Counts{{0, 0}, {0, 0}}));
}

TEST(Flips, SplitIntoGainedLostAndNeither) {
  const Flips flips = flips_against(kOriginal, kVariant, kTruth);
  EXPECT_EQ(flips.rows, (std::vector<std::size_t>{1, 2, 3, 4, 6}));
  EXPECT_EQ(flips.gained, 2U);
  EXPECT_EQ(flips.lost, 2U);
  EXPECT_EQ(flips.mcnemar_p, 1.0);
}

TEST(Flips, OfAModelAgainstItselfAreNone) {
  const Flips flips = flips_against(kOriginal, kOriginal, kTruth);
  EXPECT_TRUE(flips.rows.empty());
  EXPECT_EQ(flips.mcnemar_p, 1.0);
}

}  // namespace
}  // namespace nibble
