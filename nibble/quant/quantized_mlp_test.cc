#include "nibble/quant/quantized_mlp.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

const MlpShape kShape{70, {33, 5}, 3};

std::string message_of(const Mlp& mlp, Scheme scheme) {
  try {
    quantize(mlp, scheme, InputKind::kDense);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(QuantizedMlp, KeepsShapeBiasAndScheme) {
  const Mlp mlp = initialised_mlp(kShape, 1);
  for (const Scheme scheme : kSchemes) {
    const QuantizedMlp quantized = quantize(mlp, scheme, InputKind::kSparse);
    EXPECT_EQ(quantized.scheme, scheme);
    EXPECT_EQ(quantized.shape(), kShape);
    const Mlp back = dequantize(quantized);
    ASSERT_EQ(back.layers.size(), 3U);
    for (std::size_t l = 0; l < 3; ++l) {
      EXPECT_EQ(back.layers[l].bias, mlp.layers[l].bias);
      EXPECT_EQ(back.layers[l].weight, decode(quantized.layers[l].weight));
    }
  }
}

TEST(QuantizedMlp, F32ComesBackWhole) {
  const Mlp mlp = initialised_mlp(kShape, 1);
  EXPECT_EQ(dequantize(quantize(mlp, Scheme::kF32, InputKind::kDense)), mlp);
}

// What dequantize() returns is on the grid already: encoding it again changes nothing. (int8-torch
// is not such a grid: its largest weight is 127 or 128 of 127.5 steps.)
TEST(QuantizedMlp, QuantizingTwiceChangesNothing) {
  const Mlp mlp = initialised_mlp(kShape, 1);
  for (const Scheme scheme : {Scheme::kF32, Scheme::kF16, Scheme::kBf16, Scheme::kInt8}) {
    const Mlp once = dequantize(quantize(mlp, scheme, InputKind::kDense));
    EXPECT_EQ(quantize(once, scheme, InputKind::kDense).layers.back().weight,
              quantize(mlp, scheme, InputKind::kDense).layers.back().weight);
  }
}

TEST(QuantizedMlp, Int4GroupsLieAlongTheOutputsOnlyInASparselyFedFirstLayer) {
  const Mlp mlp = initialised_mlp(kShape, 1);
  const auto axis = [&](InputKind inputs, std::size_t layer) {
    return std::get<Int4Matrix>(quantize(mlp, Scheme::kInt4, inputs).layers[layer].weight).axis;
  };
  EXPECT_EQ(axis(InputKind::kSparse, 0), GroupAxis::kOutputs);
  EXPECT_EQ(axis(InputKind::kSparse, 1), GroupAxis::kInputs);
  EXPECT_EQ(axis(InputKind::kDense, 0), GroupAxis::kInputs);
}

TEST(QuantizedMlp, NanAndInfinityAreErrorsThatNameThePlace) {
  for (const Scheme scheme : kSchemes) {
    Mlp mlp(kShape);
    mlp.layers[1].weight.at(32, 4) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(message_of(mlp, scheme),
              "cannot quantize layer 1: the weight of input 32 to output 4 is nan; expected a "
              "finite number, so train the model again with a lower learning rate");
    mlp.layers[1].weight.at(32, 4) = 0.0F;
    mlp.layers[2].bias[2] = -std::numeric_limits<float>::infinity();
    EXPECT_EQ(message_of(mlp, scheme),
              "cannot quantize layer 2: the bias of output 2 is -inf; expected a finite number, so "
              "train the model again with a lower learning rate");
  }
}

TEST(QuantizedMlp, WeightsBeyondTheSchemesRangeAreErrors) {
  Mlp mlp(kShape);
  mlp.layers[0].weight.at(3, 2) = -65505.0F;
  EXPECT_EQ(
      message_of(mlp, Scheme::kF16),
      "cannot quantize layer 0 to f16: the weight of input 3 to output 2 is -65505, more than "
      "the largest possible 65504; use int8 or bf16");
  EXPECT_EQ(message_of(mlp, Scheme::kInt4), "");
  mlp.layers[0].weight.at(3, 2) = 458529.0F;
  EXPECT_NE(message_of(mlp, Scheme::kInt4), "");
  mlp.layers[0].weight.at(3, 2) = std::numeric_limits<float>::max();
  EXPECT_NE(message_of(mlp, Scheme::kBf16), "");
  EXPECT_EQ(message_of(mlp, Scheme::kInt8), "");
  EXPECT_EQ(message_of(mlp, Scheme::kInt8Torch), "");
}

TEST(QuantizedMlp, LayersTooWideForInt32SumsAreErrors) {
  const Mlp widest({65536, {}, 1});
  const Mlp too_wide({65537, {}, 1});
  for (const Scheme scheme : {Scheme::kInt8, Scheme::kInt8Torch}) {
    EXPECT_EQ(message_of(widest, scheme), "");
    EXPECT_NE(message_of(too_wide, scheme).find("a layer of 65537 inputs is too wide"),
              std::string::npos);
  }
  EXPECT_EQ(message_of(too_wide, Scheme::kInt4), "");
}

}  // namespace
}  // namespace nibble
