#include "nibble/quant/int8.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

TEST(Int8, ScalesEachOutputByItsLargestWeight) {
  const auto matrix = encode_int8(matrix_of<float>(2, 3, 127.0, -1.0, 0.0, -2.0, 0.25, 1e-3));
  EXPECT_EQ(matrix.scales, (AlignedVector<float>{1.0F, 1.0F / 127.0F, 1e-3F / 127.0F}));
  EXPECT_EQ(matrix.codes, (matrix_of<std::int8_t>(2, 3, 127, -127, 0, -2, 32, 127)));
}

TEST(Int8, TiesGoToEven) {
  const auto matrix =
      encode_int8(matrix_of<float>(9, 1, 127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 125.5, 126.5));
  EXPECT_EQ(matrix.codes, (matrix_of<std::int8_t>(9, 1, 127, 0, 2, 2, 0, -2, -2, 126, 126)));
}

TEST(Int8, OutputWithoutAScaleHasScaleOneAndCodesZero) {
  const auto matrix = encode_int8(matrix_of<float>(2, 3, 0.0, 63 * kSmallest, -0.0, 0.0, 0.0, 1.0));
  EXPECT_EQ(matrix.scales, (AlignedVector<float>{1.0F, 1.0F, 1.0F / 127.0F}));
  EXPECT_EQ(matrix.codes, (matrix_of<std::int8_t>(2, 3, 0, 0, 0, 0, 0, 127)));
}

TEST(Int8, ExtremeWeightsStayInRange) {
  const auto matrix =
      encode_int8(matrix_of<float>(2, 2, kLargest, 100 * kSmallest, -kLargest, -kSmallest));
  EXPECT_EQ(matrix.codes, (matrix_of<std::int8_t>(2, 2, 127, 100, -127, -1)));
}

TEST(Int8, EveryCodeComesBack) {
  Matrix<std::int8_t> codes(255, 1);
  std::iota(codes.values.begin(), codes.values.end(), std::int8_t{-127});
  const Int8Matrix matrix{std::move(codes), {0.0371F}};
  EXPECT_EQ(encode_int8(decode(matrix)).codes, matrix.codes);
}

TEST(Int8, ErrorIsAtMostHalfAStep) {
  for (const std::size_t outputs : {1U, 3U, 31U, 33U, 65U}) {
    const auto weight = normal_weights(63, outputs, 0.05F);
    const auto matrix = encode_int8(weight);
    const auto decoded = decode(matrix);
    for (std::size_t i = 0; i < weight.rows; ++i) {
      for (std::size_t o = 0; o < outputs; ++o)
        EXPECT_LE(std::fabs(weight.at(i, o) - decoded.at(i, o)), 0.50001F * matrix.scales[o]);
    }
  }
}

TEST(Int8, EmptyMatrix) {
  EXPECT_TRUE(encode_int8(Matrix<float>(0, 3)).codes.values.empty());
  EXPECT_TRUE(encode_int8(Matrix<float>(3, 0)).scales.empty());
}

}  // namespace
}  // namespace nibble
