#include "nibble/studio/shrink.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/core/random.h"
#include "nibble/studio/hashed_words.h"
#include "nibble/studio/judge.h"
#include "nibble/studio/shrink_report.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {
namespace {

// Texts of 12 words; "good0".."good19" speak for label 1, "bad0".. for label 0, 160 others for
// none.
Examples planted(std::size_t rows, std::uint32_t seed) {
  Examples examples;
  Texts texts;
  for (std::size_t r = 0; r < rows; ++r) {
    std::string text;
    int balance = 0;
    for (std::uint32_t w = 0; w < 12; ++w) {
      const auto draw = philox({seed}, r, w);
      const auto number = std::to_string(draw[1] % 20);
      const bool speaks = draw[0] % 3 == 0;
      const bool good = draw[2] % 2 == 0;
      if (speaks) balance += good ? 1 : -1;
      text += speaks ? (good ? "good" : "bad") + number + " "
                     : "word" + std::to_string(draw[3] % 160) + " ";
    }
    texts.push_back(text);
    examples.labels.push_back(balance > 0 ? 1 : 0);
  }
  examples.inputs = std::move(texts);
  examples.label_names = {"bad", "good"};
  return examples;
}

struct Planted {
  Model model;
  HeldOut rows;
};

// Its first layer is the right score times a direction, plus a little noise of full rank.
Planted planted_model() {
  Examples training = planted(300, 1);
  const Vocabulary words = fit_vocabulary(training.texts(), 1000);
  Mlp mlp = initialised_mlp({words.size(), {32, 16}, 2}, 3);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const float score = words.word(i).starts_with("good")  ? 0.5F
                        : words.word(i).starts_with("bad") ? -0.5F
                                                           : 0.0F;
    for (std::size_t o = 0; o < 32; ++o)
      mlp.layers[0].weight.at(i, o) = 0.02F * mlp.layers[0].weight.at(i, o) + (o == 0   ? score
                                                                               : o == 1 ? -score
                                                                                        : 0.0F);
  }
  for (Linear& layer : mlp.layers) std::ranges::fill(layer.bias, 0.0F);
  for (std::size_t l : {1U, 2U}) {
    for (float& w : mlp.layers[l].weight.values) w *= 0.02F;
    const std::size_t last = l == 2 ? 1 : 0;
    mlp.layers[l].weight.at(0, last) = 1.0F;
    mlp.layers[l].weight.at(1, 1 - last) = 1.0F;
  }
  const Featurizer featurizer = BagOfWords{words};
  Model model{featurizer, {"bad", "good"}, std::move(mlp), {}};
  return {std::move(model),
          {make_part(std::move(training), featurizer), make_part(planted(400, 2), featurizer)}};
}

TEST(Shrink, FindsThatOneScoreForEachWordIsEnough) {
  const Planted planted = planted_model();
  std::vector<std::size_t> bytes;
  ShrinkHooks hooks;
  hooks.on_better = [&](const Model& model, const ShrinkCandidate& candidate) {
    bytes.push_back(candidate.bytes);
    EXPECT_EQ(model.provenance.settings.at("recipe"), candidate.recipe);
  };
  const ShrinkResult result = shrink(planted.model, planted.rows, {}, hooks);
  ASSERT_TRUE(result.best);
  const ShrinkCandidate& best = result.tried[*result.best];
  EXPECT_GT(result.original_accuracy, 90.0);
  EXPECT_GE(best.accuracy, result.original_accuracy - 0.5);
  EXPECT_NE(best.recipe.find("rank1"), std::string::npos) << best.recipe;
  EXPECT_TRUE(best.on_front);
  EXPECT_TRUE(std::is_sorted(bytes.rbegin(), bytes.rend()));
  EXPECT_EQ(bytes.back(), best.bytes);
  // The model answers texts as it was judged: some of its words are gone, and their rows with them.
  const auto rows = make_part(planted.rows.validation.examples, result.model->featurizer);
  EXPECT_EQ(judge(std::get<QuantizedMlp>(result.model->network), rows.labelled()).accuracy,
            best.accuracy);
}

TEST(Shrink, LimitsAreKept) {
  const Planted planted = planted_model();
  ShrinkLimits limits;
  limits.max_bytes = 3000;
  const ShrinkResult small = shrink(planted.model, planted.rows, limits);
  ASSERT_TRUE(small.best);
  EXPECT_LE(small.tried[*small.best].bytes, 3000U);
  limits = {};
  limits.max_us = 1e-6;  // no row is answered in a picosecond
  EXPECT_FALSE(shrink(planted.model, planted.rows, limits).best);
}

TEST(Shrink, StopsWhenAskedToWithTheBestSoFar) {
  const Planted planted = planted_model();
  int asked = 0;
  ShrinkHooks hooks;
  hooks.should_stop = [&] { return ++asked > 2; };
  const ShrinkResult result = shrink(planted.model, planted.rows, {}, hooks);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.tried.size(), 2U);
  EXPECT_TRUE(result.model);
}

TEST(HashedWords, ABucketsWeightsAreTheMeanOfItsWords) {
  Planted planted = planted_model();
  const Vocabulary words = *word_list(planted.model.featurizer);
  const auto& training = std::get<SparseRows>(planted.rows.training.rows);
  std::vector<double> counts(words.size());
  for (std::size_t i = 0; i < training.indices.size(); ++i)
    counts[training.indices[i]] += training.values[i];
  const double unseen = static_cast<double>(std::ranges::count(counts, 1.0)) / 64.0;

  const HashedWords hashed = with_hashed_words(planted.model, planted.rows, 64);

  const Vocabulary buckets = Vocabulary::hashed(64);
  Matrix<double> sums(64, 32);
  std::vector<double> totals(64, unseen);
  for (std::size_t w = 0; w < words.size(); ++w) {
    const std::size_t bucket = *buckets.column(words.word(w));
    totals[bucket] += counts[w];
    for (std::size_t o = 0; o < 32; ++o)
      sums.at(bucket, o) +=
          counts[w] * std::get<Mlp>(planted.model.network).layers[0].weight.at(w, o);
  }
  const auto& weight = std::get<Mlp>(hashed.model.network).layers[0].weight;
  for (std::size_t b = 0; b < 64; ++b) {
    for (std::size_t o = 0; o < 32; ++o)
      EXPECT_NEAR(weight.at(b, o), totals[b] == 0.0 ? 0.0 : sums.at(b, o) / totals[b], 1e-5);
  }
  EXPECT_EQ(column_count(view_of(hashed.rows.validation.rows)), 64U);
  EXPECT_THROW(with_hashed_words(hashed.model, hashed.rows, 64), Error);
}

TEST(Shrink, WordsMayBeHashed) {
  const Planted planted = planted_model();
  ShrinkLimits limits;
  limits.hash_vocabulary = 4096;
  limits.max_drop = 5.0;
  const ShrinkResult result = shrink(planted.model, planted.rows, limits);
  ASSERT_TRUE(result.best);
  EXPECT_TRUE(hashes_words(result.model->featurizer));
  const std::string table = hashing_table(planted.model, shrink(planted.model, planted.rows, {}),
                                          result, planted.rows.validation.examples);
  const auto& best = result.tried[*result.best];
  const std::string accuracy = fmt::format("{:.2f}%", best.accuracy);
  EXPECT_NE(table.find(fmt::format("{:>9}  {:>7}\n", accuracy, accuracy)), std::string::npos)
      << table;
}

TEST(Shrink, AQuantizedModelIsRefused) {
  const Planted planted = planted_model();
  EXPECT_THROW(shrink(quantized_model(planted.model, Scheme::kInt8), planted.rows, {}), Error);
}

ShrinkResult sample() {
  ShrinkResult result;
  result.original_accuracy = 80.0;
  result.tried = {{"int8", 5000, 4000, 80.1, 0.4, 0.0, true},
                  {"int4", 3000, 2000, 79.0, 0.4, 0.0, false},
                  {"1bit", 1000, 700, 79.6, 0.5, 0.25, true}};
  result.best = 2;
  return result;
}

TEST(ShrinkReport, TableShowsTheFrontSmallestFirst) {
  EXPECT_EQ(front_table(sample()),
            "3 tried; none is smaller and as accurate as one of these:\n"
            "        bytes  parameters  accuracy  us/row  recipe\n"
            "*       1,000         700    79.60%    0.25  1bit\n"
            "        5,000       4,000    80.10%       -  int8\n");
}

TEST(ShrinkReport, JsonHoldsAllThatWasTried) {
  const std::string json = shrink_json(sample());
  EXPECT_NE(json.find("\"best\": 2"), std::string::npos) << json;
  EXPECT_NE(json.find("\"recipe\": \"int4\""), std::string::npos);
  EXPECT_NE(json.find("\"microseconds\": null"), std::string::npos);
}

TEST(ShrinkReport, ScriptHoldsAllPointsTheFrontAndTheChosen) {
  const std::string script = front_script(sample());
  EXPECT_NE(script.find("5000 80.1000\n3000 79.0000\n1000 79.6000\ne\n1000 79.6000\n5000 "
                        "80.1000\ne\n1000 79.6000\ne\n"),
            std::string::npos)
      << script;
}

}  // namespace
}  // namespace nibble
