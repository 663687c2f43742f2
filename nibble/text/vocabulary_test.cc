#include "nibble/text/vocabulary.h"

#include <gtest/gtest.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

TEST(Vocabulary, FindsEveryWordAndNoOther) {
  for (const std::size_t size : {0U, 1U, 2U, 3U, 31U, 32U, 33U, 63U, 64U, 65U, 12368U}) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < size; ++i) words.push_back("w" + std::to_string(i * i));
    const Vocabulary vocabulary(words);
    EXPECT_EQ(vocabulary.size(), size);
    EXPECT_EQ(vocabulary.words(), words);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_EQ(vocabulary.column(words[i]), static_cast<std::uint32_t>(i));
    }
    for (const char* other : {"", "w", "w2", "v4", "w0 "}) {
      EXPECT_EQ(vocabulary.column(other), std::nullopt) << other;
    }
  }
}

TEST(Vocabulary, TheEmptyOneKnowsNothing) {
  EXPECT_EQ(Vocabulary().column("word"), std::nullopt);
  EXPECT_EQ(Vocabulary().size(), 0U);
}

TEST(Vocabulary, OfLinesIsTheSameAsOfWords) {
  const Vocabulary lines = Vocabulary::of_lines("a\nb c\nlast");
  EXPECT_EQ(lines.words(), (std::vector<std::string>{"a", "b c", "last"}));
  EXPECT_EQ(lines.word(1), "b c");
  EXPECT_EQ(lines.text(), "a\nb c\nlast");
  EXPECT_EQ(lines.column("last"), 2U);
  EXPECT_EQ(Vocabulary(lines.words()).text(), lines.text());
  EXPECT_EQ(Vocabulary::of_lines("one").words(), std::vector<std::string>{"one"});
  for (const char* damaged : {"", "\n", "a\n", "\na", "a\n\nb", "a\nb\na"})
    EXPECT_THROW(Vocabulary::of_lines(damaged), Error) << damaged;
}

TEST(Vocabulary, AWordMayHoldALineFeed) {
  const Vocabulary vocabulary({"a\nb", "a", "b"});
  EXPECT_EQ(vocabulary.size(), 3U);
  EXPECT_EQ(vocabulary.column("a\nb"), 0U);
  EXPECT_EQ(vocabulary.column("b"), 2U);
}

TEST(Vocabulary, SurvivesACopyAndAMove) {
  Vocabulary first({"a word longer than any short string", "b"});
  const Vocabulary copy = first;
  const Vocabulary moved = std::move(first);
  for (const Vocabulary* one : {&copy, &moved}) {
    EXPECT_EQ(one->column("a word longer than any short string"), 0U);
    EXPECT_EQ(one->column("b"), 1U);
  }
}

// HashingVectorizer(n_features=1000, alternate_sign=False, norm=None) of scikit-learn.
TEST(Vocabulary, HashedWordsHaveTheColumnsOfScikitLearn) {
  const Vocabulary hashed = Vocabulary::hashed(1000);
  const std::pair<const char*, std::uint32_t> columns[] = {
      {"ab", 305},   {"abc", 294},       {"abcd", 978},         {"hello", 351},
      {"film", 345}, {"caf\u00e9", 632}, {"\u65e5\u672c", 838}, {"extraordinarily", 512}};
  for (const auto& [word, column] : columns) EXPECT_EQ(hashed.column(word), column) << word;
  EXPECT_TRUE(hashed.is_hashed());
  EXPECT_EQ(hashed.size(), 1000U);
  EXPECT_TRUE(hashed.words().empty());
  EXPECT_EQ(hashed.text(), "");
  EXPECT_EQ(hashed.column_name(17), "bucket17");
  EXPECT_EQ(Vocabulary({"a"}).column_name(0), "a");
  EXPECT_EQ(Vocabulary::hashed(1).column("any"), 0U);
  EXPECT_LT(*Vocabulary::hashed(0x7FFFFFFF).column("any"), 0x7FFFFFFFU);
}

TEST(Vocabulary, RefusesNoBucketsAndTooMany) {
  EXPECT_THROW(Vocabulary::hashed(0), Error);
  EXPECT_THROW(Vocabulary::hashed(0x80000000), Error);
}

TEST(Vocabulary, RefusesAnEmptyWordAndADoubleOne) {
  EXPECT_THROW(Vocabulary({"a", ""}), Error);
  EXPECT_THROW(Vocabulary({"a", "b", "a"}), Error);
}

}  // namespace
}  // namespace nibble
