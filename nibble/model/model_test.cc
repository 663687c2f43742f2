#include "nibble/model/model.h"

#include <gtest/gtest.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

Model word_model() {
  return {BagOfWords{Vocabulary({"bad", "good", "movie"})},
          {"negative", "positive"},
          initialised_mlp({3, {4}, 2}, 1),
          {{{"dropout", "0.3"}}, 2, 75.0, 0.5}};
}

Model number_model() {
  return {Numeric{2, 0.5F}, {"a", "b", "c"}, initialised_mlp({2, {}, 3}, 1), {}};
}

TEST(Model, TextsBecomeCountsOfWords) {
  const Rows rows = featurize(word_model().featurizer, Texts{"Good good, movie", "unknown"});
  const auto& sparse = std::get<SparseRows>(rows);
  EXPECT_EQ(sparse.columns, 3U);
  EXPECT_EQ(sparse.offsets, (std::vector<std::uint64_t>{0, 2, 2}));
  EXPECT_EQ(sparse.indices, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(sparse.values, (std::vector<float>{2.0F, 1.0F}));
}

TEST(Model, NumbersAreScaled) {
  DenseRows numbers(2, 2);
  numbers.values = {1.0F, 2.0F, -3.0F, 0.0F};
  const Rows rows = featurize(number_model().featurizer, numbers);
  EXPECT_EQ(std::get<DenseRows>(rows).values, (AlignedVector<float>{0.5F, 1.0F, -1.5F, 0.0F}));
}

TEST(Model, InputsOfTheOtherKindAreRefused) {
  EXPECT_THROW(featurize(word_model().featurizer, DenseRows(1, 3)), Error);
  EXPECT_THROW(featurize(number_model().featurizer, Texts{"good"}), Error);
  EXPECT_THROW(featurize(number_model().featurizer, DenseRows(1, 3)), Error);
}

TEST(Model, KnowsItsColumnsShapeAndScheme) {
  EXPECT_EQ(column_count(word_model().featurizer), 3U);
  EXPECT_EQ(column_count(number_model().featurizer), 2U);
  EXPECT_EQ(input_kind(word_model().featurizer), InputKind::kSparse);
  EXPECT_EQ(input_kind(number_model().featurizer), InputKind::kDense);
  EXPECT_EQ(word_model().shape(), (MlpShape{3, {4}, 2}));
  EXPECT_EQ(word_model().scheme(), Scheme::kF32);
}

TEST(Model, QuantizingKeepsAllButTheNetwork) {
  const Model model = word_model();
  const Model quantized = quantized_model(model, Scheme::kInt4);
  EXPECT_EQ(quantized.scheme(), Scheme::kInt4);
  EXPECT_EQ(quantized.shape(), model.shape());
  EXPECT_EQ(quantized.labels, model.labels);
  EXPECT_EQ(quantized.provenance.settings, model.provenance.settings);
  EXPECT_EQ(std::get<QuantizedMlp>(quantized.network),
            quantize(std::get<Mlp>(model.network), Scheme::kInt4, InputKind::kSparse));
  EXPECT_THROW(quantized_model(quantized, Scheme::kInt8), Error);
}

}  // namespace
}  // namespace nibble
