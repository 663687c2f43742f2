#include "nibble/report/study_result.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

ResultRow variant_that_flips(std::vector<std::size_t> rows) {
  ResultRow row;
  row.flips = Flips{.rows = std::move(rows)};
  return row;
}

TEST(FlippedRows, AreTheUnionInOrder) {
  Examples test;
  test.inputs = Texts{"zero", "one", "two", "three"};
  test.labels = {0, 1, 0, 1};
  const std::vector<FlippedRow> rows =
      flipped_rows(test, {ResultRow(), variant_that_flips({1, 3}), variant_that_flips({0, 3})});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].row, 0U);
  EXPECT_EQ(rows[1].text, "one");
  EXPECT_EQ(rows[2].text, "three");
  EXPECT_EQ(rows[2].truth, 1);
}

TEST(FlippedRows, NumbersHaveNoText) {
  Examples test;
  test.inputs = DenseRows(2, 3);
  test.labels = {0, 1};
  EXPECT_EQ(flipped_rows(test, {variant_that_flips({1})}).front().text, "");
  EXPECT_TRUE(flipped_rows(test, {ResultRow()}).empty());
}

}  // namespace
}  // namespace nibble
