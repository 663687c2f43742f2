#include "nibble/quant/int4.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

// Squared error of one group with this scale and the nearest codes -8..7.
double error_with_scale(std::span<const float> group, float scale) {
  double sum = 0.0;
  for (const float weight : group) {
    const double code = std::clamp(std::nearbyint(static_cast<double>(weight) / scale), -8.0, 7.0);
    const double difference = weight - code * scale;
    sum += difference * difference;
  }
  return sum;
}

// The smallest error that any float16 scale gives, by trying all that put the largest weight 3.5 to
// 12 steps from zero.
double smallest_error(std::span<const float> group) {
  float largest = 0.0F;
  for (const float weight : group) largest = std::max(largest, std::fabs(weight));
  double best = std::numeric_limits<double>::infinity();
  const std::uint16_t last = f16_from_float(largest / 3.5F);
  for (std::uint16_t code = f16_from_float(largest / 12.0F); code <= last; ++code) {
    const float scale = float_from_f16(code);
    best = std::min({best, error_with_scale(group, scale), error_with_scale(group, -scale)});
  }
  return best;
}

// ggml's Q4_0 (quantize_row_q4_0_ref): the scale from the signed largest weight, offset 8.5, cut.
double q4_0_error(std::span<const float> group) {
  float extreme = 0.0F;
  for (const float weight : group)
    extreme = std::fabs(weight) > std::fabs(extreme) ? weight : extreme;
  const float scale = extreme / -8.0F;
  const float stored = float_from_f16(f16_from_float(scale));
  double sum = 0.0;
  for (const float weight : group) {
    const int code = std::min(15, static_cast<int>(weight / scale + 8.5F)) - 8;
    const double difference = weight - static_cast<double>(stored) * code;
    sum += difference * difference;
  }
  return sum;
}

struct Errors {
  double ours = 0.0;
  double best = 0.0;
  double q4_0 = 0.0;
};

Errors errors_of(const Matrix<float>& weight) {
  Errors errors;
  errors.ours = squared_error(weight, decode(encode_int4(weight, GroupAxis::kOutputs)));
  for (std::size_t i = 0; i < weight.rows; ++i) {
    for (std::size_t o = 0; o < weight.columns; o += kInt4Group) {
      const auto group = weight.row(i).subspan(o, kInt4Group);
      errors.best += smallest_error(group);
      errors.q4_0 += q4_0_error(group);
    }
  }
  return errors;
}

TEST(Int4, ErrorIsCloseToThatOfTheBestScales) {
  const Errors uniform = errors_of(uniform_weights(64, 512, 0.01F));
  EXPECT_LE(uniform.ours, 1.002 * uniform.best);
  EXPECT_LE(uniform.ours, 0.83 * uniform.q4_0);
  const Errors normal = errors_of(normal_weights(64, 512, 0.05F));
  EXPECT_LE(normal.ours, 1.001 * normal.best);
  EXPECT_LE(normal.ours, 0.89 * normal.q4_0);
}

// Every code can come back: groups that hold -8 and 7, hence leave no other scale without error.
TEST(Int4, EveryCodeComesBack) {
  Matrix<float> weight(1, 32);
  for (std::size_t o = 0; o < 32; ++o)
    weight.values[o] = 0.25F * (static_cast<float>(o % 16) - 8.0F);
  const auto matrix = encode_int4(weight, GroupAxis::kOutputs);
  EXPECT_EQ(scales_of(matrix), (matrix_of<float>(1, 1, 0.25)));
  const auto codes = codes_of(matrix);
  for (std::size_t o = 0; o < 32; ++o) EXPECT_EQ(codes.values[o], static_cast<int>(o % 16) - 8);
  EXPECT_EQ(decode(matrix), weight);
}

TEST(Int4, ScaleIsNegativeWhereThePositiveSideReachesFurther) {
  Matrix<float> weight(32, 1);
  for (std::size_t i = 0; i < 32; ++i)
    weight.values[i] = 0.5F * (8.0F - static_cast<float>(i % 16));
  const auto matrix = encode_int4(weight, GroupAxis::kInputs);
  EXPECT_EQ(scales_of(matrix), (matrix_of<float>(1, 1, -0.5)));
  EXPECT_EQ(decode(matrix), weight);
}

TEST(Int4, PacksEvenOutputsLowAndFillsTheUnusedNibbleWithZero) {
  // Scale 1 is exact for these, and -8 and 7 leave no other.
  const auto weight = matrix_of<float>(2, 3, -8.0, 7.0, 1.0, 0.0, -1.0, 3.0);
  const auto matrix = encode_int4(weight, GroupAxis::kOutputs);
  ASSERT_EQ(matrix.scales.rows, 2U);
  ASSERT_EQ(matrix.scales.columns, 1U);
  EXPECT_EQ(matrix.codes.row(0)[0], 0xF0);  // outputs 0 and 1: -8, 7
  EXPECT_EQ(matrix.codes.row(0)[1], 0x89);  // output 2: 1, and nothing
  EXPECT_EQ(matrix.codes.row(1)[1] >> 4, 8);
}

TEST(Int4, GroupsOfZerosHaveTheSmallestScaleAndCodesZero) {
  auto weight = normal_weights(3, 64, 0.1F);
  std::ranges::fill(weight.row(1).first(32), -0.0F);
  std::ranges::fill(weight.row(2).last(32), 0x1p-26F);
  const auto matrix = encode_int4(weight, GroupAxis::kOutputs);
  EXPECT_EQ(std::fabs(float_from_f16(matrix.scales.at(1, 0))), 0x1p-24F);
  EXPECT_EQ(std::fabs(float_from_f16(matrix.scales.at(2, 1))), 0x1p-24F);
  const auto decoded = decode(matrix);
  for (std::size_t o = 0; o < 32; ++o) {
    EXPECT_EQ(decoded.at(1, o), 0.0F);
    EXPECT_EQ(decoded.at(2, 32 + o), 0.0F);
  }
}

// The largest weight is put at most 9 steps from zero and codes reach 7: two ninths can be cut off.
// Where float16's smallest scale is too coarse, half a step of that.
TEST(Int4, ExtremeWeightsStayWithinTheEncodersBounds) {
  for (const float largest : {kLargestInt4, 1e-3F, 1e-5F, 1e-7F, 1e-39F, 1e-45F}) {
    for (const GroupAxis axis : {GroupAxis::kOutputs, GroupAxis::kInputs}) {
      const auto weight = uniform_weights(33, 33, largest);
      const auto decoded = decode(encode_int4(weight, axis));
      for (std::size_t i = 0; i < weight.values.size(); ++i)
        EXPECT_LE(std::fabs(weight.values[i] - decoded.values[i]),
                  std::max(2.0F / 9.0F * largest, 0x1p-25F));
    }
  }
}

// Grouping the transpose along the other axis is the same work: same scales, same codes.
TEST(Int4, BothAxesAreTheSameEncodingOfTheTranspose) {
  for (const std::size_t outputs : {1U, 2U, 3U, 16U, 31U, 32U, 33U, 63U, 64U, 65U}) {
    const auto weight = normal_weights(35, outputs, 1.0F);
    Matrix<float> transposed(outputs, 35);
    for (std::size_t i = 0; i < 35; ++i) {
      for (std::size_t o = 0; o < outputs; ++o) transposed.at(o, i) = weight.at(i, o);
    }
    const auto along_inputs = decode(encode_int4(weight, GroupAxis::kInputs));
    const auto along_outputs = decode(encode_int4(transposed, GroupAxis::kOutputs));
    for (std::size_t i = 0; i < 35; ++i) {
      for (std::size_t o = 0; o < outputs; ++o)
        EXPECT_EQ(along_inputs.at(i, o), along_outputs.at(o, i));
    }
  }
}

TEST(Int4, ShapesAtGroupBoundaries) {
  for (const std::size_t size : {1U, 31U, 32U, 33U, 64U, 65U}) {
    const std::size_t groups = (size + 31) / 32;
    const auto along_outputs = encode_int4(Matrix<float>(5, size), GroupAxis::kOutputs);
    EXPECT_EQ(along_outputs.codes.rows, 5U);
    EXPECT_EQ(along_outputs.codes.columns, (size + 1) / 2);
    EXPECT_EQ(along_outputs.scales.rows, 5U);
    EXPECT_EQ(along_outputs.scales.columns, groups);
    const auto along_inputs = encode_int4(Matrix<float>(size, 5), GroupAxis::kInputs);
    EXPECT_EQ(along_inputs.scales.rows, groups);
    EXPECT_EQ(along_inputs.scales.columns, 5U);
    EXPECT_EQ(decode(along_inputs), Matrix<float>(size, 5));
  }
  EXPECT_TRUE(encode_int4(Matrix<float>(0, 3), GroupAxis::kInputs).scales.values.empty());
  EXPECT_TRUE(encode_int4(Matrix<float>(3, 0), GroupAxis::kOutputs).scales.values.empty());
}

}  // namespace
}  // namespace nibble
