#include "nibble/quant/recipe.h"

#include <string>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/quant/low_rank.h"
#include "nibble/quant/quantized_mlp.h"
#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

std::string names(const std::string& recipe, std::size_t layers) {
  std::string text;
  for (const LayerRecipe& layer : Recipe::from_text(recipe).layers(layers))
    text += (text.empty() ? "" : " ") + text_of(layer);
  return text;
}

TEST(Recipe, GivesEachLayerItsEncoding) {
  EXPECT_EQ(names("int8", 3), "int8 int8 int8");
  EXPECT_EQ(names("0=int4:row,1-3=int8,4=f16", 5), "int4:row int8 int8 int8 f16");
  EXPECT_EQ(names("*=int3, 1 = int2:g64:asym", 3), "int3:g32 int2:g64:asym int3:g32");
  EXPECT_EQ(names("fp8", 1), "fp8:channel");
  EXPECT_EQ(names("0=rank1:int6:tensor+f16,1=nf4:1x32", 2), "rank1:int6:tensor+f16 nf4:1x32");
  EXPECT_EQ(names("int8-torch", 2), "int8-torch int8-torch");
}

TEST(Recipe, TextIsKeptAndMadeFromLayers) {
  EXPECT_EQ(Recipe::from_text("1=int8, 0=f16").text(), "1=int8, 0=f16");
  const auto layers = Recipe::from_text("0=rank2:int8:*x1+f16,1=1bit:g128").layers(2);
  EXPECT_EQ(Recipe(layers).text(), "0=rank2:int8:*x1+f16,1=1bit:g128");
  EXPECT_EQ(Recipe::from_text(Recipe(layers).text()).layers(2), layers);
}

TEST(Recipe, WhatIsWrongIsSaid) {
  const auto problem = [](const std::string& recipe) -> std::string {
    try {
      Recipe::from_text(recipe).layers(3);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(problem("int9").find("no encoding 'int9'"), std::string::npos);
  EXPECT_NE(problem("").find("no encoding ''"), std::string::npos);
  EXPECT_NE(problem("int4:g48").find("option 'g48'"), std::string::npos);
  EXPECT_NE(problem("nf4:asym").find("option 'asym'"), std::string::npos);
  EXPECT_NE(problem("int4:0x32").find("option '0x32'"), std::string::npos);
  EXPECT_NE(problem("f16:row").find("f16 takes none"), std::string::npos);
  EXPECT_NE(problem("0=int8").find("leaves out layer 1"), std::string::npos);
  EXPECT_NE(problem("0-3=int8").find("names layer 3, but"), std::string::npos);
  EXPECT_NE(problem("0-2=int8,1=f16").find("layer 1 twice"), std::string::npos);
  EXPECT_NE(problem("*=int8,*=f16").find("twice"), std::string::npos);
  EXPECT_NE(problem("2-1=int8,*=f16").find("'2-1'"), std::string::npos);
  EXPECT_NE(problem("0=int8,f16").find("has 'f16'"), std::string::npos);
  EXPECT_NE(problem("0=int8-torch,*=f16").find("stand alone"), std::string::npos);
  EXPECT_NE(problem("*=int8-torch,0=f16").find("stand alone"), std::string::npos);
  EXPECT_NE(problem("rank0:f16+f16").find("expected a rank"), std::string::npos);
  EXPECT_NE(problem("rank1:f16").find("expected a rank"), std::string::npos);
}

TEST(Recipe, AQuantizedNetworkFollowsIt) {
  const Mlp mlp = initialised_mlp({40, {33, 5}, 3}, 1);
  const auto quantized =
      quantize(mlp, Recipe::from_text("0=rank2:int8:channel+f16,1=int3,2=f32"), InputKind::kSparse);
  ASSERT_EQ(quantized.layers.size(), 4U);
  EXPECT_EQ(quantized.scheme, Scheme::kMixed);
  EXPECT_EQ(encoding_name(quantized.layers[0].weight), "int8:*x1");
  EXPECT_TRUE(quantized.layers[0].is_factor);
  EXPECT_EQ(encoding_name(quantized.layers[1].weight), "f16");
  EXPECT_EQ(encoding_name(quantized.layers[2].weight), "int3:32x1");
  EXPECT_EQ(encoding_name(quantized.layers[3].weight), "f32");
  const MlpShape shape{40, {2, 33, 5}, 3};
  EXPECT_EQ(quantized.shape(), shape);
  EXPECT_EQ(dequantize(quantized).shape(), mlp.shape());
  EXPECT_EQ(quantize(mlp, Recipe::from_text("0-2=int8"), InputKind::kDense).scheme, Scheme::kInt8);
}

TEST(LowRank, FindsTheFactorsOfAProductAndTheBestOfOthers) {
  const auto u = normal_weights(50, 2, 1.0F, 3);
  const auto v = normal_weights(2, 30, 1.0F, 4);
  const Matrix<float> weight = product(u, v);
  const Factors exact = factorize(weight, 2);
  const Matrix<float> back = product(exact.first, exact.second);
  for (std::size_t i = 0; i < weight.values.size(); ++i)
    EXPECT_NEAR(back.values[i], weight.values[i], 1e-4F);
  // A diagonal matrix: the best of rank 2 keeps its two largest entries.
  Matrix<float> diagonal(5, 4);
  for (std::size_t i = 0; i < 4; ++i) diagonal.at(i, i) = static_cast<float>(i + 1);
  const Factors best = factorize(diagonal, 2);
  const Matrix<float> kept = product(best.first, best.second);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t o = 0; o < 4; ++o)
      EXPECT_NEAR(kept.at(i, o), i == o && i >= 2 ? static_cast<float>(i + 1) : 0.0F, 1e-5F);
  }
  EXPECT_THROW(factorize(diagonal, 0), Error);
  EXPECT_THROW(factorize(diagonal, 5), Error);
  EXPECT_EQ(factorize(Matrix<float>(3, 3), 1).first, Matrix<float>(3, 1));
}

}  // namespace
}  // namespace nibble
