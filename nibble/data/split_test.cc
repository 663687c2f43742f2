#include "nibble/data/split.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "nibble/core/digest.h"
#include "nibble/core/error.h"

namespace nibble {
namespace {

using Indices = std::vector<std::size_t>;
using Labels = std::vector<Label>;

// All vectors below come from scikit-learn 1.2.1 and numpy 1.24.2, train_test_split(range(n),
// test_size=f, random_state=s) and the same with stratify.
void expect_split(const Split& split, const Indices& training, const Indices& validation) {
  EXPECT_EQ(split.training, training);
  EXPECT_EQ(split.validation, validation);
}

TEST(ShuffleSplit, IsScikitLearns) {
  expect_split(shuffle_split(10, 0.2, 42), {5, 0, 7, 2, 9, 4, 3, 6}, {8, 1});
  expect_split(shuffle_split(11, 0.3, 0), {6, 1, 7, 8, 3, 0, 5}, {4, 9, 2, 10});
  expect_split(shuffle_split(2, 0.5, 7), {1}, {0});
  expect_split(shuffle_split(3, 0.34, 42), {2}, {0, 1});
  expect_split(shuffle_split(7, 0.01, 4294967295), {5, 0, 6, 4, 2, 3}, {1});
}

TEST(ShuffleSplit, RoundsUpInDoublesAsPythonDoes) {
  EXPECT_EQ(shuffle_split(10, 0.3, 42).validation.size(), 3U);
  EXPECT_EQ(shuffle_split(1000, 0.1, 42).validation.size(), 100U);
  EXPECT_EQ(shuffle_split(100, 0.29, 42).validation.size(), 29U);
}

// The split of SST-2's training rows that every published figure here rests on.
TEST(ShuffleSplit, OfSst2) {
  const Split split = shuffle_split(6920, 0.2, 42);
  EXPECT_EQ(split.training.size(), 5536U);
  EXPECT_EQ(Indices(split.validation.begin(), split.validation.begin() + 5),
            (Indices{468, 1956, 800, 6474, 2389}));
  EXPECT_EQ(Indices(split.training.begin(), split.training.begin() + 5),
            (Indices{4457, 2471, 26, 4828, 63}));
}

TEST(ShuffleSplit, RefusesAnEmptyPart) {
  EXPECT_THROW(shuffle_split(0, 0.2, 42), Error);
  EXPECT_THROW(shuffle_split(1, 0.2, 42), Error);
  EXPECT_THROW(shuffle_split(4, 0.99, 42), Error);
  for (const double fraction : {0.0, 1.0, -0.1, 1.5, std::nan("")}) {
    EXPECT_THROW(shuffle_split(10, fraction, 42), Error);
  }
}

TEST(StratifiedSplit, IsScikitLearns) {
  expect_split(stratified_split(Labels{0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, 0.2, 42),
               {7, 8, 2, 0, 3, 1, 5, 4}, {6, 9});
  expect_split(stratified_split(Labels{0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 1, 0, 0}, 0.3, 1),
               {0, 6, 7, 2, 12, 1, 3, 10, 8}, {5, 4, 11, 9});
  expect_split(stratified_split(Labels{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}, 0.4, 5),
               {2, 0, 10, 5, 8, 1, 11}, {4, 6, 9, 7, 3});
}

TEST(StratifiedSplit, DrawsTiesAsScikitLearnDoes) {
  const Labels labels = {0, 0, 1, 1, 2, 2, 3, 3, 3};
  expect_split(stratified_split(labels, 0.5, 0), {6, 0, 4, 3}, {2, 5, 8, 7, 1});
  expect_split(stratified_split(labels, 0.5, 1), {6, 4, 1, 3}, {5, 8, 7, 0, 2});
}

TEST(StratifiedSplit, PassesOverLabelsThatDoNotOccur) {
  Labels labels;  // 0, 1 and 4 only
  for (int i = 0; i < 23; ++i) labels.push_back(i * i % 5);
  expect_split(stratified_split(labels, 0.25, 3),
               {21, 16, 2, 7, 15, 11, 9, 5, 22, 3, 20, 4, 17, 10, 8, 6, 12},
               {18, 19, 13, 1, 0, 14});
}

struct Golden {
  std::uint32_t seed;
  const char* sha256;  // of training then validation indices, in decimal, joined by spaces
};

class StratifiedSplitOf1000 : public testing::TestWithParam<Golden> {};

TEST_P(StratifiedSplitOf1000, IsScikitLearns) {
  Labels labels;
  for (int i = 0; i < 1000; ++i) labels.push_back((i * 7 + i / 11) % 5 % 3);
  const Split split = stratified_split(labels, 0.2, GetParam().seed);
  std::string joined;
  for (const Indices* part : {&split.training, &split.validation}) {
    for (const std::size_t row : *part) {
      joined += (joined.empty() ? "" : " ") + std::to_string(row);
    }
  }
  EXPECT_EQ(sha256_hex(joined), GetParam().sha256);
}

INSTANTIATE_TEST_SUITE_P(
    Seeds, StratifiedSplitOf1000,
    testing::Values(Golden{0, "45ffcb88574f0426ebeb32cd9e34fd7b271a40b5a36d0cc65ef4e25acc1c6606"},
                    Golden{1, "52d011f8b76d3cb53c4f1a6c1496b3c15378b458f976a959f87085ffdf7a93f2"},
                    Golden{42, "20c667b45bc298b6daf66a1262e9288af880a2c1f722b84504cfb72db655a647"},
                    Golden{4294967295,
                           "2380afccfdbc55d9689146122b07ce0289867a8a06269c4058173d7a000d93c5"}),
    [](const auto& golden) { return "seed" + std::to_string(golden.param.seed); });

TEST(StratifiedSplit, RefusesWhatScikitLearnRefuses) {
  EXPECT_THROW(stratified_split(Labels{0, 0, 0, 1}, 0.5, 42), Error);        // a single row of 1
  EXPECT_THROW(stratified_split(Labels{0, 0, 1, 1, 2, 2}, 0.2, 42), Error);  // 2 rows, 3 labels
  EXPECT_THROW(stratified_split(Labels{0, 0, 1, 1, 2, 2, 2}, 0.7, 42),
               Error);  // training too small
  EXPECT_THROW(stratified_split(Labels{}, 0.2, 42), Error);
}

TEST(HashedSplit, EveryRowStandsInOnePart) {
  const Split split = hashed_split(1000, 0.2, 42);
  for (const std::size_t row : split.validation) EXPECT_TRUE(validates(row, 0.2, 42));
  for (const std::size_t row : split.training) EXPECT_FALSE(validates(row, 0.2, 42));
  EXPECT_EQ(split.training.size() + split.validation.size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(split.training));
}

// 100,000 draws of 0.2: the share lies within 4 standard deviations, 0.005.
TEST(HashedSplit, KeepsTheFraction) {
  const Split split = hashed_split(100'000, 0.2, 7);
  EXPECT_NEAR(static_cast<double>(split.validation.size()), 20'000.0, 506.0);
}

TEST(HashedSplit, MoreRowsLeaveTheFirstWhereTheyWere) {
  const Split few = hashed_split(100, 0.3, 1);
  const Split many = hashed_split(200, 0.3, 1);
  EXPECT_TRUE(std::equal(few.validation.begin(), few.validation.end(), many.validation.begin()));
}

TEST(HashedSplit, RefusesEmptyParts) {
  EXPECT_THROW(hashed_split(1, 0.2, 42), Error);
  EXPECT_THROW(hashed_split(3, 0.0, 42), Error);
  EXPECT_THROW(hashed_split(2, 1e-9, 42), Error);
}

}  // namespace
}  // namespace nibble
