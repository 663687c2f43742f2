#include "nibble/study/pipeline.h"

#include <string>

#include <gtest/gtest.h>

#include "nibble/data/examples.h"
#include "nibble/model/model.h"

namespace nibble {
namespace {

Examples numbers(float scale) {
  DenseRows rows(3, 2);
  rows.values = {0, 255, 3, 4, 5, 6};
  return {.inputs = rows,
          .labels = {0, 1, 0},
          .label_names = {"a", "b"},
          .source = "numbers",
          .sha256 = "",
          .scale = scale};
}

float scale_of(const Featurizer& featurizer) { return std::get<Numeric>(featurizer).scale; }

TEST(Pipeline, ScalesWhatTheFormatCallsBytes) {
  EXPECT_EQ(scale_of(fit_featurizer(numbers(1.0F / 255.0F), {})), 1.0F / 255.0F);
}

// Whole numbers up to 255 may as well be counts: their values do not decide.
TEST(Pipeline, LeavesOtherWholeNumbersAlone) {
  EXPECT_EQ(scale_of(fit_featurizer(numbers(1.0F), {})), 1.0F);
}

TEST(Pipeline, ChosenRowsKeepTheScale) {
  EXPECT_EQ(select_examples(numbers(0.5F), {2, 0}).scale, 0.5F);
}

}  // namespace
}  // namespace nibble
