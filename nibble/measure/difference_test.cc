#include "nibble/measure/difference.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

// y = (x0 + 2 x1, 3 x0 + 4 x1)
Model small_model() {
  Mlp mlp(MlpShape{2, {}, 2});
  mlp.layers[0].weight.values = {1, 3, 2, 4};
  return {Numeric{2, 1.0F}, {"a", "b"}, mlp, {}};
}

Examples rows_of(std::vector<float> values) {
  Examples rows;
  DenseRows dense;
  dense.columns = 2;
  dense.rows = values.size() / 2;
  dense.values = AlignedVector<float>(values.begin(), values.end());
  rows.labels.assign(dense.rows, 0);
  rows.inputs = std::move(dense);
  return rows;
}

TEST(Difference, OfAModelAndItself) {
  const ModelDifference found = difference(small_model(), small_model());
  EXPECT_TRUE(found.facts.empty());
  ASSERT_EQ(found.layers.size(), 1U);
  EXPECT_EQ(found.layers[0].weight, 0.0);
  EXPECT_EQ(found.layers[0].largest_weight, 4.0);
}

TEST(Difference, NamesTheLargestAndWhereItIs) {
  Model other = small_model();
  auto& layer = std::get<Mlp>(other.network).layers[0];
  layer.weight.at(1, 0) = 2.5F;
  layer.weight.at(0, 1) = 3.25F;
  layer.bias[1] = -0.125F;
  const LayerDifference found = difference(small_model(), other).layers.front();
  EXPECT_EQ(found.weight, 0.5);
  EXPECT_EQ(found.input, 1U);
  EXPECT_EQ(found.output, 0U);
  EXPECT_EQ(found.bias, 0.125);
}

TEST(Difference, OtherShapesAreSaidAndNotCompared) {
  Model other = small_model();
  other.network = Mlp(MlpShape{2, {3}, 2});
  const ModelDifference found = difference(small_model(), other);
  EXPECT_FALSE(found.same_shape());
  EXPECT_EQ(found.facts, std::vector<std::string>{"Sizes: 2-2, 2-3-2"});
}

TEST(Difference, QuantizedWeightsAreTheNumbersTheyStandFor) {
  const ModelDifference found =
      difference(small_model(), quantized_model(small_model(), Scheme::kBf16));
  EXPECT_EQ(found.facts, std::vector<std::string>{"Scheme: f32, bf16"});
  EXPECT_EQ(found.layers[0].weight, 0.0);  // 1 to 4 are bf16 numbers
}

TEST(AnswerDifference, LabelsGoTogetherByName) {
  Model turned = small_model();
  turned.labels = {"b", "a"};
  std::get<Mlp>(turned.network).layers[0].weight.values = {3, 1, 4, 2};
  const auto same = answer_difference(small_model(), turned, rows_of({1, 0, -1, 0}), nullptr);
  EXPECT_EQ(same->rows, 2U);
  EXPECT_EQ(same->same_labels, 2U);
  EXPECT_EQ(same->logit, 0.0);

  Model other = small_model();
  std::get<Mlp>(other.network).layers[0].weight.at(1, 0) = 10;
  const auto differs = answer_difference(small_model(), other, rows_of({1, 0, 0, 1}), nullptr);
  EXPECT_EQ(differs->same_labels, 1U);
  EXPECT_EQ(differs->logit, 8.0);
  EXPECT_EQ(differs->row, 1U);
}

TEST(AnswerDifference, OtherLabelsHaveNone) {
  Model other = small_model();
  other.labels = {"a", "c"};
  EXPECT_FALSE(answer_difference(small_model(), other, rows_of({1, 0}), nullptr).has_value());
}

}  // namespace
}  // namespace nibble
