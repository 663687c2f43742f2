#include "nibble/infer/predictor.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/infer/shared_predictor.h"
#include "nibble/quant/reference_forward.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {
namespace {

Model text_model(Scheme scheme) {
  Model model;
  model.featurizer = BagOfWords{Vocabulary({"bad", "film", "good", "very"})};
  model.labels = {"no", "yes"};
  model.network = quantize(initialised_mlp({4, {8}, 2}, 3), scheme, InputKind::kSparse);
  return model;
}

Texts some_texts(std::size_t count) {
  const std::vector<std::string> words = {"bad", "film", "good", "very", "unknown"};
  Texts texts;
  for (std::size_t i = 0; i < count; ++i)
    texts.push_back(words[i % 5] + " " + words[i / 5 % 5] + " " + words[i / 3 % 5]);
  return texts;
}

TEST(Predictor, TextGivesTheLogitsOfItsBagOfWords) {
  const Model model = text_model(Scheme::kInt8);
  const Predictor predictor(model);
  PreparedMlp::Scratch scratch;
  const Prediction prediction = predictor.predict("Very very GOOD unknown film", scratch);
  SparseRows row;
  row.columns = 4;
  row.indices = {1, 2, 3};
  row.values = {1, 1, 2};
  row.end_row();
  const auto expected = reference_logits(std::get<QuantizedMlp>(model.network), row.view());
  ASSERT_EQ(prediction.logits.size(), 2U);
  EXPECT_EQ(prediction.logits[0], expected.at(0, 0));
  EXPECT_EQ(prediction.logits[1], expected.at(0, 1));
  EXPECT_EQ(prediction.label, argmax(expected.row(0)));
  EXPECT_GE(prediction.probability, 0.5F);
}

TEST(Predictor, NumbersAreScaled) {
  Model model;
  model.featurizer = Numeric{3, 0.5F};
  model.labels = {"a", "b"};
  const Mlp mlp = initialised_mlp({3, {}, 2}, 9);
  model.network = mlp;
  const Predictor predictor(model);
  PreparedMlp::Scratch scratch;
  const std::vector<float> row = {2.0F, -4.0F, 6.0F};
  const Prediction prediction = predictor.predict(std::span<const float>(row), scratch);
  for (std::size_t o = 0; o < 2; ++o) {
    const Linear& layer = mlp.layers[0];
    EXPECT_NEAR(prediction.logits[o],
                layer.bias[o] + layer.weight.at(0, o) - 2 * layer.weight.at(1, o) +
                    3 * layer.weight.at(2, o),
                1e-6);
  }
}

TEST(Predictor, RefusesTheOtherKindOfInput) {
  const Predictor predictor(text_model(Scheme::kInt8));
  PreparedMlp::Scratch scratch;
  const std::vector<float> row(4);
  EXPECT_THROW(predictor.predict(std::span<const float>(row), scratch), Error);

  Model numbers;
  numbers.featurizer = Numeric{3, 0.5F};
  numbers.labels = {"a", "b"};
  numbers.network = initialised_mlp({3, {}, 2}, 9);
  EXPECT_THROW(Predictor(numbers).logits(some_texts(2), nullptr), Error);
}

TEST(Predictor, ThreadsChangeNothing) {
  for (const Scheme scheme : kSchemes) {
    const Model model = text_model(scheme);
    const Predictor predictor(model);
    const SparseRows rows =
        bag_of_words(some_texts(611), std::get<BagOfWords>(model.featurizer).vocabulary);
    const Matrix<float> alone = predictor.logits(rows.view(), nullptr);
    for (const std::size_t threads : {1U, 2U, 5U}) {
      ThreadPool pool(threads);
      EXPECT_EQ(predictor.logits(rows.view(), &pool), alone) << threads << " threads";
    }
  }
}

TEST(Predictor, TextsGiveTheLogitsOfTheirBagsOfWords) {
  const Texts texts = some_texts(611);
  for (const Scheme scheme : kSchemes) {
    const Model model = text_model(scheme);
    const Predictor predictor(model);
    const SparseRows rows = bag_of_words(texts, std::get<BagOfWords>(model.featurizer).vocabulary);
    const Matrix<float> expected = predictor.logits(rows.view(), nullptr);
    EXPECT_EQ(predictor.logits(texts, nullptr), expected);
    for (const std::size_t threads : {1U, 2U, 5U}) {
      ThreadPool pool(threads);
      EXPECT_EQ(predictor.logits(texts, &pool), expected) << threads << " threads";
    }
    EXPECT_EQ(predictor.logits(Texts(), nullptr).rows, 0U);
  }
}

// tests/soak runs the same for a minute.
TEST(Predictor, SixteenThreadsShareOne) {
  for (const Scheme scheme : kSchemes) {
    const SharedPredictor::Count count = SharedPredictor(scheme).run(16, 0.0);
    EXPECT_GT(count.answers, 16U);
    EXPECT_EQ(count.wrong, 0U) << name_of(scheme);
  }
}

TEST(Predictor, TheFirstOfEqualLogitsWins) {
  EXPECT_EQ(argmax(std::vector<float>{1.0F, 3.0F, 3.0F}), 1);
  EXPECT_EQ(argmax(std::vector<float>{2.0F}), 0);
}

TEST(Predictor, ProbabilityIsTheSoftmax) {
  const std::vector<float> logits = {0.0F, std::log(3.0F)};
  EXPECT_NEAR(probability_of(logits, 1), 0.75F, 1e-6);
  EXPECT_NEAR(probability_of(std::vector<float>{1000.0F, 0.0F}, 0), 1.0F, 1e-6);
  EXPECT_NEAR(probability_of(std::vector<float>{5.0F}, 0), 1.0F, 1e-6);
}

}  // namespace
}  // namespace nibble
