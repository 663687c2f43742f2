#include "nibble/quant/int8_torch.h"

#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

constexpr float kEpsilon = std::numeric_limits<float>::epsilon();

// Expected values here are printed by PyTorch 1.13: MinMaxObserver(dtype=qint8,
// qscheme=per_tensor_symmetric), quantize_per_tensor, int_repr(). The reference network's weights
// are compared in tests/parity/quantize_dynamic_parity.py.
TEST(Int8Torch, MatchesPyTorch) {
  const auto matrix =
      encode_int8_torch(matrix_of<float>(2, 4, 1.0, -1.0, 0.5, -0.5, 0.25, 0.003, -0.004, 0.1));
  EXPECT_EQ(matrix.scale, 0x1.010102p-7F);
  EXPECT_EQ(matrix.codes, (matrix_of<std::int8_t>(2, 4, 127, -127, 64, -64, 32, 0, -1, 13)));
}

TEST(Int8Torch, TiesGoToEvenAndTheLargestPositiveWeightIsClamped) {
  const auto matrix =
      encode_int8_torch(matrix_of<float>(8, 1, 127.5, -127.5, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5));
  EXPECT_EQ(matrix.scale, 1.0F);
  EXPECT_EQ(matrix.codes, (matrix_of<std::int8_t>(8, 1, 127, -128, 0, 2, 2, 0, -2, -2)));
}

TEST(Int8Torch, ScaleIsAtLeastEpsilon) {
  const auto zeros = encode_int8_torch(Matrix<float>(1, 2));
  EXPECT_EQ(zeros.scale, kEpsilon);
  EXPECT_EQ(zeros.codes, (Matrix<std::int8_t>(1, 2)));
  const auto tiny = encode_int8_torch(matrix_of<float>(1, 2, 1e-9, -1e-5));
  EXPECT_EQ(tiny.scale, kEpsilon);
  EXPECT_EQ(tiny.codes, (matrix_of<std::int8_t>(1, 2, 0, -84)));
}

TEST(Int8Torch, DecodesEveryCode) {
  Matrix<std::int8_t> codes(256, 1);
  std::iota(codes.values.begin(), codes.values.end(), std::int8_t{-128});
  const Int8TorchMatrix matrix{std::move(codes), 0.25F};
  const auto weight = decode(matrix);
  for (std::size_t i = 0; i < 256; ++i)
    EXPECT_EQ(weight.values[i], 0.25F * (static_cast<float>(i) - 128.0F));
}

TEST(Int8Torch, EmptyMatrix) {
  EXPECT_TRUE(encode_int8_torch(Matrix<float>(0, 3)).codes.values.empty());
}

}  // namespace
}  // namespace nibble
