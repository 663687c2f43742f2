#include "nibble/data/profile.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

Examples texts(Texts inputs, std::vector<Label> labels) {
  Examples examples;
  examples.inputs = std::move(inputs);
  examples.labels = std::move(labels);
  examples.label_names = {"no", "yes", "never"};
  return examples;
}

Examples numbers(const AlignedVector<float>& values, std::size_t columns) {
  Examples examples;
  DenseRows rows(values.size() / columns, columns);
  rows.values = values;
  examples.labels.assign(rows.rows, 0);
  examples.label_names = {"0"};
  examples.inputs = std::move(rows);
  return examples;
}

TEST(Profile, OfTexts) {
  const DataProfile found = profile(
      texts({"a", "b", "a", "", " \t\u00A0\u3000", "a", ".", ""}, {0, 1, 1, 0, 1, 1, 0, 1}));
  EXPECT_EQ(found.rows, 8U);
  EXPECT_EQ(found.empty_rows, 3U);
  EXPECT_EQ(found.duplicate_rows, 3U);  // "a" twice more, "" once more
  ASSERT_EQ(found.labels.size(), 3U);
  EXPECT_EQ(found.labels[1].name, "yes");
  EXPECT_EQ(found.labels[1].rows, 5U);
  EXPECT_DOUBLE_EQ(found.labels[1].per_cent, 62.5);
  EXPECT_EQ(found.labels[2].rows, 0U);
}

TEST(Profile, OfNumbers) {
  const DataProfile found = profile(numbers({1, 2, 0, 0, 1, 2, 2, 1}, 2));
  EXPECT_EQ(found.empty_rows, 1U);
  EXPECT_EQ(found.duplicate_rows, 1U);
}

TEST(Profile, OfNothing) {
  const DataProfile found = profile(texts({}, {}));
  EXPECT_EQ(found.rows, 0U);
  EXPECT_EQ(found.labels[0].per_cent, 0.0);
}

TEST(RowsInCommon, CountsRowsOfTheTestPart) {
  const Examples training = texts({"a", "b", "b"}, {0, 0, 0});
  EXPECT_EQ(rows_in_common(texts({"b", "c", "b", "a "}, {0, 0, 0, 0}), training), 2U);
  EXPECT_EQ(rows_in_common(numbers({1, 2, 3, 4}, 2), numbers({3, 4, 3, 4}, 2)), 1U);
  EXPECT_EQ(rows_in_common(numbers({1}, 1), training), 0U);
}

}  // namespace
}  // namespace nibble
