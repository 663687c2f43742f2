#include "nibble/text/bag_of_words.h"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

using Words = std::vector<std::string>;
using Columns = std::vector<std::uint32_t>;
using Values = std::vector<float>;

const Texts kTexts = {"The cat and the DOG", "", "a cat, a cat & a bird", "Zebra éclair cat"};

TEST(FitVocabulary, HasTheWordsInCodePointOrder) {
  EXPECT_EQ(fit_vocabulary(kTexts, 0).words(),
            (Words{"and", "bird", "cat", "dog", "the", "zebra", "éclair"}));
}

// Counts: cat 4, the 2, all others 1.
TEST(FitVocabulary, KeepsTheMostFrequentAndOfEqualOnesTheFirst) {
  EXPECT_EQ(fit_vocabulary(kTexts, 1).words(), Words{"cat"});
  EXPECT_EQ(fit_vocabulary(kTexts, 2).words(), (Words{"cat", "the"}));
  EXPECT_EQ(fit_vocabulary(kTexts, 4).words(), (Words{"and", "bird", "cat", "the"}));
  EXPECT_EQ(fit_vocabulary(kTexts, 7).size(), 7U);
  EXPECT_EQ(fit_vocabulary(kTexts, 8).size(), 7U);
}

TEST(FitVocabulary, RefusesTextsWithoutAWord) {
  EXPECT_THROW(fit_vocabulary({}, 0), Error);
  EXPECT_THROW(fit_vocabulary({"", "a b c !?"}, 10), Error);
}

TEST(BagOfWords, CountsTheWordsOfEachText) {
  const SparseRows rows = bag_of_words(kTexts, fit_vocabulary(kTexts, 4));
  EXPECT_EQ(rows.columns, 4U);
  EXPECT_EQ(rows.offsets, (std::vector<std::uint64_t>{0, 3, 3, 5, 6}));
  EXPECT_EQ(rows.indices, (Columns{0, 2, 3, 1, 2, 2}));
  EXPECT_EQ(rows.values, (Values{1, 1, 2, 1, 2, 1}));
}

TEST(BagOfWords, AppendsToRowsThatAreThere) {
  const Vocabulary vocabulary({"aa", "bb"});
  SparseRows rows;
  rows.columns = vocabulary.size();
  append_bag_of_words("bb aa BB bb", vocabulary, rows);
  append_bag_of_words("unknown words", vocabulary, rows);
  append_bag_of_words("bb", vocabulary, rows);
  EXPECT_EQ(rows.offsets, (std::vector<std::uint64_t>{0, 2, 2, 3}));
  EXPECT_EQ(rows.indices, (Columns{0, 1, 1}));
  EXPECT_EQ(rows.values, (Values{1, 3, 1}));
}

// Short texts are sorted in a way of their own.
TEST(BagOfWords, TextsOfEveryLength) {
  std::vector<std::string> words;
  for (char a = 'a'; a <= 'g'; ++a) {
    for (char b = 'a'; b <= 'g'; ++b) words.push_back({a, b});
  }
  const Vocabulary vocabulary(words);
  std::mt19937 random(1);
  for (std::size_t length = 0; length <= 70; ++length) {
    std::string text;
    std::map<std::uint32_t, float> counts;
    for (std::size_t i = 0; i < length; ++i) {
      const auto column = static_cast<std::uint32_t>(random() % words.size());
      text += words[column] + ' ';
      ++counts[column];
    }
    const SparseRows rows = bag_of_words({text}, vocabulary);
    ASSERT_EQ(rows.indices.size(), counts.size());
    std::size_t i = 0;
    for (const auto& [column, count] : counts) {
      EXPECT_EQ(rows.indices[i], column) << length;
      EXPECT_EQ(rows.values[i++], count) << length;
    }
  }
}

TEST(BagOfWords, OfNothingIsNothing) {
  const SparseRows none = bag_of_words({}, Vocabulary({"aa"}));
  EXPECT_EQ(none.rows(), 0U);
  const SparseRows without_words = bag_of_words({"aa"}, Vocabulary());
  EXPECT_EQ(without_words.rows(), 1U);
  EXPECT_TRUE(without_words.indices.empty());
}

}  // namespace
}  // namespace nibble
