#include "nibble/measure/synthetic_rows.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(SyntheticBags, HaveFifteenAscendingColumnsARow) {
  const SparseRows bags = synthetic_bags(100, 10'000);
  ASSERT_EQ(bags.rows(), 100U);
  ASSERT_EQ(bags.columns, 10'000U);
  for (std::size_t row = 0; row < bags.rows(); ++row) {
    const auto columns = bags.view().row_indices(row);
    ASSERT_EQ(columns.size(), kSyntheticWords);
    EXPECT_TRUE(std::is_sorted(columns.begin(), columns.end()));
    EXPECT_EQ(std::adjacent_find(columns.begin(), columns.end()), columns.end());
    EXPECT_LT(columns.back(), 10'000U);
  }
}

TEST(SyntheticBags, UseEveryColumnWhereThereAreFew) {
  for (const std::size_t columns : {1, 3, 14, 15}) {
    EXPECT_EQ(synthetic_bags(2, columns).indices.size(), 2 * columns);
  }
}

TEST(SyntheticBags, AreTheSameEachTime) {
  EXPECT_EQ(synthetic_bags(20, 500).indices, synthetic_bags(20, 500).indices);
}

TEST(SyntheticNumbers, AreHalfZerosAndBelowOne) {
  const DenseRows numbers = synthetic_numbers(50, 100);
  const auto zeros = std::count(numbers.values.begin(), numbers.values.end(), 0.0F);
  EXPECT_NEAR(static_cast<double>(zeros), 2500.0, 200.0);  // 5 standard deviations are 177
  for (const float value : numbers.values) {
    EXPECT_GE(value, 0.0F);
    EXPECT_LT(value, 1.0F);
  }
}

TEST(TextsOf, NamesTheWordsOfEachRow) {
  SparseRows rows;
  rows.columns = 3;
  rows.indices = {0, 2, 1};
  rows.values = {1.0F, 2.0F, 1.0F};
  rows.offsets = {0, 2, 2, 3};
  EXPECT_EQ(texts_of(rows, Vocabulary({"ant", "bee", "cat"})), (Texts{"ant cat", "", "bee"}));
}

TEST(SyntheticRows, FollowTheFeaturizer) {
  EXPECT_TRUE(std::holds_alternative<SparseRows>(
      synthetic_rows(2, BagOfWords{Vocabulary({"ant", "bee"})})));
  EXPECT_TRUE(std::holds_alternative<DenseRows>(synthetic_rows(2, Numeric{7, 1.0F})));
}

}  // namespace
}  // namespace nibble
