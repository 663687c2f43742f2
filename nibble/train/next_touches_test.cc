#include "nibble/train/next_touches.h"

#include <vector>

#include <gtest/gtest.h>

namespace nibble {
namespace {

using Steps = std::vector<std::uint32_t>;

Steps after(NextTouches& touches, std::uint32_t step) {
  const auto steps = touches.after(step);
  return {steps.begin(), steps.end()};
}

// Rows of features: {0, 2}, {2, 3}, {}, {0, 1}, {3}.
class NextTouchesTest : public testing::Test {
 protected:
  NextTouchesTest() {
    rows_.columns = 4;
    for (const Steps& row : std::vector<Steps>{{0, 2}, {2, 3}, {}, {0, 1}, {3}}) {
      rows_.indices.insert(rows_.indices.end(), row.begin(), row.end());
      rows_.values.resize(rows_.indices.size(), 1.0F);
      rows_.end_row();
    }
  }
  SparseRows rows_;
  Steps order_{0, 1, 2, 3, 4};
  NextTouches touches_{4};
};

TEST_F(NextTouchesTest, KnowsNothingUnasked) { EXPECT_TRUE(after(touches_, 1).empty()); }

// Steps 7: features 0, 2, 3 (2 twice); 8: 0, 1; 9: 3.
TEST_F(NextTouchesTest, TellsTheNextStepThatTouches) {
  touches_.expect(rows_.view(), order_, 2, 7, false);
  EXPECT_EQ(after(touches_, 7), (Steps{8, NextTouches::kUnknown, 9}));
  EXPECT_EQ(after(touches_, 8), (Steps{NextTouches::kUnknown, NextTouches::kUnknown}));
  EXPECT_EQ(after(touches_, 9), (Steps{NextTouches::kUnknown}));
  EXPECT_TRUE(after(touches_, 10).empty());
  EXPECT_TRUE(after(touches_, 6).empty());
}

TEST_F(NextTouchesTest, TellsTheEnd) {
  touches_.expect(rows_.view(), order_, 2, 7, true);
  EXPECT_EQ(after(touches_, 7), (Steps{8, 10, 9}));
  EXPECT_EQ(after(touches_, 8), (Steps{10, 10}));
  EXPECT_EQ(after(touches_, 9), (Steps{10}));
}

TEST_F(NextTouchesTest, ANewOrderReplacesTheOld) {
  touches_.expect(rows_.view(), order_, 2, 7, true);
  EXPECT_EQ(after(touches_, 7), (Steps{8, 10, 9}));
  const Steps order{4, 1};
  touches_.expect(rows_.view(), order, 1, 8, false);
  EXPECT_EQ(after(touches_, 8), (Steps{9}));
  EXPECT_EQ(after(touches_, 9), (Steps{NextTouches::kUnknown, NextTouches::kUnknown}));
}

// More touches than are looked at together: feature 0 in every batch, feature 1 in the first alone.
TEST(NextTouches, LooksAtLongOrdersInParts) {
  SparseRows rows;
  rows.columns = 2;
  rows.indices = {0, 0, 1};
  rows.values = {1.0F, 1.0F, 1.0F};
  rows.offsets = {0, 1, 3};
  Steps order((std::size_t{1} << 20) + 3, 0);
  order.front() = 1;
  NextTouches touches(2);
  touches.expect(rows.view(), order, 1, 1, true);
  const auto end = static_cast<std::uint32_t>(order.size() + 1);
  EXPECT_EQ(after(touches, 1), (Steps{2, end}));
  std::size_t unknown = 0;
  for (std::uint32_t step = 2; step <= order.size(); ++step) {
    const Steps next = after(touches, step);
    ASSERT_EQ(next.size(), 1U);
    if (next[0] == NextTouches::kUnknown) {
      ++unknown;
    } else {
      ASSERT_EQ(next[0], step + 1);
    }
  }
  EXPECT_EQ(unknown, 1U);
}

}  // namespace
}  // namespace nibble
