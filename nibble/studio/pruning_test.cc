#include "nibble/studio/pruning.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/network/reference_forward.h"

namespace nibble {
namespace {

SparseRows some_rows(std::size_t columns) {
  SparseRows rows;
  rows.columns = columns;
  for (std::uint32_t r = 0; r < 9; ++r) {
    for (std::uint32_t c = r % 3; c < columns; c += 2 + r % 4) {
      rows.indices.push_back(c);
      rows.values.push_back(1.0F + static_cast<float>(r % 2));
    }
    rows.end_row();
  }
  return rows;
}

void expect_near(const Matrix<float>& a, const Matrix<float>& b) {
  ASSERT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.columns, b.columns);
  for (std::size_t i = 0; i < a.values.size(); ++i) EXPECT_NEAR(a.values[i], b.values[i], 1e-5F);
}

TEST(Pruning, DeadNeuronsGoAndAnswersStay) {
  Mlp mlp = initialised_mlp({11, {8, 6}, 3}, 1);
  for (const std::size_t dead : {0U, 3U, 7U}) {
    for (std::size_t i = 0; i < 11; ++i) mlp.layers[0].weight.at(i, dead) = -1.0F;
    mlp.layers[0].bias[dead] = -0.5F;
  }
  const SparseRows rows = some_rows(11);
  const Mlp lean = without_dead_neurons(mlp, rows.view());
  EXPECT_LE(lean.layers[0].outputs(), 5U);
  EXPECT_EQ(lean.layers[1].inputs(), lean.layers[0].outputs());
  expect_near(reference_logits(lean, rows.view()), reference_logits(mlp, rows.view()));
}

TEST(Pruning, ALayerOfDeadNeuronsKeepsOne) {
  Mlp mlp({4, {3}, 2});
  mlp.layers[0].bias = {-1.0F, -1.0F, -1.0F};
  mlp.layers[1].bias = {0.5F, 0.25F};
  const SparseRows rows = some_rows(4);
  const Mlp lean = without_dead_neurons(mlp, rows.view());
  EXPECT_EQ(lean.layers[0].outputs(), 1U);
  expect_near(reference_logits(lean, rows.view()), reference_logits(mlp, rows.view()));
}

// Leaving inputs out is setting their weights to 0.
TEST(Pruning, KeptInputsAnswerAsWithTheOthersAtZero) {
  Mlp mlp = initialised_mlp({11, {8}, 3}, 2);
  const std::vector<std::size_t> kept = {1, 2, 6, 10};
  Mlp fewer = mlp;
  fewer.layers[0].weight = with_inputs(mlp.layers[0].weight, kept);
  for (std::size_t i = 0; i < 11; ++i) {
    if (std::ranges::find(kept, i) != kept.end()) continue;
    std::ranges::fill(mlp.layers[0].weight.row(i), 0.0F);
  }
  const SparseRows rows = some_rows(11);
  const SparseRows less = with_columns(rows, kept);
  EXPECT_EQ(less.columns, 4U);
  EXPECT_EQ(less.rows(), rows.rows());
  expect_near(reference_logits(fewer, less.view()), reference_logits(mlp, rows.view()));
}

TEST(Pruning, InputsGoByTheirNormAndWordsByTheirColumn) {
  Matrix<float> weight(3, 2);
  weight.at(0, 1) = 0.5F;
  weight.at(1, 0) = -2.0F;
  weight.at(2, 0) = 1.0F;
  weight.at(2, 1) = 1.0F;
  EXPECT_EQ(inputs_by_norm(weight), (std::vector<std::size_t>{1, 2, 0}));
  const Vocabulary words({"a", "b", "c"});
  EXPECT_EQ(with_words(words, std::vector<std::size_t>{0, 2}).words(),
            (std::vector<std::string>{"a", "c"}));
}

Model word_model() {
  Model model;
  model.featurizer = BagOfWords{Vocabulary({"a", "b", "c", "d", "e"})};
  model.labels = {"no", "yes"};
  model.network = initialised_mlp({5, {4, 3}, 2}, 3);
  return model;
}

TEST(PrunedModel, KeepsTheWordsWithTheLargestNorms) {
  Model model = word_model();
  auto& weight = std::get<Mlp>(model.network).layers[0].weight;
  for (const std::size_t large : {1U, 4U}) std::ranges::fill(weight.row(large), 3.0F);
  const Matrix<float> before = weight;
  const Model lean = with_weightiest_words(model, 2);
  EXPECT_EQ(std::get<BagOfWords>(lean.featurizer).vocabulary.words(),
            (std::vector<std::string>{"b", "e"}));
  EXPECT_EQ(std::get<Mlp>(lean.network).layers[0].weight,
            with_inputs(before, std::vector<std::size_t>{1, 4}));
  EXPECT_EQ(lean.provenance.settings.at("words_kept"), "2 of 5");
  EXPECT_EQ(with_weightiest_words(model, 5).network, model.network);
  EXPECT_EQ(with_weightiest_words(model, 9).provenance.settings.count("words_kept"), 0U);
  model.featurizer = Numeric{5};
  EXPECT_THROW(with_weightiest_words(model, 2), Error);
  model.featurizer = BagOfWords{Vocabulary::hashed(5)};
  EXPECT_THROW(with_weightiest_words(model, 2), Error);
}

TEST(PrunedModel, SaysHowManyNeuronsWereDead) {
  Model model = word_model();
  auto& first = std::get<Mlp>(model.network).layers[0];
  for (std::size_t i = 0; i < 5; ++i) first.weight.at(i, 2) = -1.0F;
  first.bias = {1.0F, 1.0F, -1.0F, 1.0F};
  auto& second = std::get<Mlp>(model.network).layers[1];
  second.bias = {9.0F, 9.0F, 9.0F};
  const SparseRows rows = some_rows(5);
  const Model lean = without_dead_neurons(model, rows.view());
  EXPECT_EQ(lean.shape().hidden, (std::vector<std::size_t>{3, 3}));
  EXPECT_EQ(lean.provenance.settings.at("dead_neurons"), "1 of 7");
}

}  // namespace
}  // namespace nibble
