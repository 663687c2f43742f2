#include "nibble/quant/static_range.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

constexpr RangeRule kRules[] = {RangeRule::kMinMax, RangeRule::kPercentile, RangeRule::kMse};

// 1000 numbers 1, 2, .. 1000, each plus a half, between zeros; one far away.
DenseRows ramp(float sign, float far) {
  DenseRows rows(2, 1001);
  for (std::size_t i = 0; i < 1000; ++i) rows.at(1, i) = sign * (static_cast<float>(i) + 1.5F);
  rows.at(1, 1000) = far;
  return rows;
}

TEST(StaticRange, MinMaxReachesTheLargest) {
  const auto input = choose_static_quantization(view_of(ramp(1.0F, 5000.5F)), RangeRule::kMinMax);
  EXPECT_EQ(input.scale, 5000.5F / 255.0F);
  EXPECT_EQ(input.zero_point, 0);
  EXPECT_EQ(quantize_value(5000.5F, input), 255);
  EXPECT_EQ(quantize_value(9e9F, input), 255);
  EXPECT_EQ(quantize_value(-9e9F, input), 0);
}

TEST(StaticRange, NumbersBelowZeroGetAZeroPoint) {
  const auto input = choose_static_quantization(view_of(ramp(-1.0F, 12.5F)), RangeRule::kMinMax);
  EXPECT_EQ(input.scale, 1000.5F / 127.0F);
  EXPECT_EQ(input.zero_point, 128);
  EXPECT_EQ(quantize_value(-1000.5F, input), 1);
  EXPECT_EQ(quantize_value(-9e9F, input), 0);
  EXPECT_EQ(quantize_value(0.0F, input), 128);
  EXPECT_EQ(quantize_value(9e9F, input), 255);
}

// Of 1001 numbers, the one with 999 below it: 1000.5; the zeros do not count.
TEST(StaticRange, PercentileLeavesOutTheFarthest) {
  const auto input =
      choose_static_quantization(view_of(ramp(1.0F, 5000.5F)), RangeRule::kPercentile);
  EXPECT_EQ(input.scale, 1000.5F / 255.0F);
}

// No limit of a finer grid leaves much less error than the one chosen.
TEST(StaticRange, MseIsNearTheBestLimit) {
  for (const float shift : {0.0F, 3.0F}) {
    DenseRows rows = normal_weights(40, 50, 1.0F, 3);
    for (float& x : rows.values) x = shift == 0.0F ? x : std::max(std::pow(x, 3.0F) + shift, 0.0F);
    const auto error_with = [&](const CallQuantization& input) {
      double sum = 0.0;
      for (const float x : rows.values) {
        const auto q = static_cast<float>(quantize_value(x, input) - input.zero_point);
        sum += std::pow(1.0 * x - q * input.scale, 2);
      }
      return sum;
    };
    const auto chosen = choose_static_quantization(view_of(rows), RangeRule::kMse);
    const auto widest = choose_static_quantization(view_of(rows), RangeRule::kMinMax);
    double least = error_with(widest);
    for (int i = 1; i <= 2000; ++i)
      least = std::min(
          least, error_with({widest.scale * static_cast<float>(i) / 2000.0F, widest.zero_point}));
    EXPECT_LE(error_with(chosen), 1.05 * least);
    EXPECT_LE(error_with(chosen), error_with(widest));
  }
}

TEST(StaticRange, WholeNumbersAreTheirOwnCodes) {
  for (const RangeRule rule : kRules) {
    EXPECT_EQ(choose_static_quantization(view_of(matrix_of<float>(2, 2, 0, 1, 3, 255)), rule),
              (CallQuantization{1.0F, 0}));
    EXPECT_EQ(choose_static_quantization(view_of(matrix_of<float>(2, 2, 0, 1, -127, 12)), rule),
              (CallQuantization{1.0F, 128}));
    EXPECT_NE(choose_static_quantization(view_of(matrix_of<float>(1, 2, 1, 256)), rule).scale,
              1.0F);
  }
}

TEST(StaticRange, SparseRowsCountAsDenseOnes) {
  SparseRows sparse;
  sparse.columns = 3;
  sparse.indices = {0, 2};
  sparse.values = {0.5F, 7.25F};
  sparse.end_row();
  for (const RangeRule rule : kRules)
    EXPECT_EQ(choose_static_quantization(sparse.view(), rule),
              choose_static_quantization(view_of(matrix_of<float>(1, 3, 0.5, 0, 7.25)), rule));
}

TEST(StaticRange, NothingAndNextToNothingGetScaleOne) {
  for (const RangeRule rule : kRules) {
    EXPECT_EQ(choose_static_quantization(view_of(DenseRows(0, 5)), rule), CallQuantization());
    EXPECT_EQ(choose_static_quantization(view_of(DenseRows(3, 5)), rule), CallQuantization());
    const auto tiny = choose_static_quantization(view_of(matrix_of<float>(1, 1, 1e-40)), rule);
    EXPECT_EQ(tiny.scale, 1.0F);
    EXPECT_TRUE(is_static_quantization(tiny));
  }
}

TEST(StaticRange, TextsComeBack) {
  for (const CallQuantization& input :
       {CallQuantization{1.0F, 0}, CallQuantization{0.1F, 128}, CallQuantization{3.0e-9F, 0}})
    EXPECT_EQ(static_quantization_from(text_of(input)), input);
  EXPECT_EQ(text_of({0.25F, 128}), "0.25s");
  for (const char* text : {"", "s", "0", "-1", "inf", "nan", "1t", "1ss", "1e-45", " 1"})
    EXPECT_THROW(static_quantization_from(text), Error) << text;
}

TEST(StaticRange, RulesHaveNames) {
  for (const RangeRule rule : kRules) EXPECT_EQ(range_rule_named(name_of(rule)), rule);
  EXPECT_THROW(range_rule_named("max"), Error);
}

}  // namespace
}  // namespace nibble
