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

TEST(Vocabulary, SurvivesACopyAndAMove) {
  Vocabulary first({"a word longer than any short string", "b"});
  const Vocabulary copy = first;
  const Vocabulary moved = std::move(first);
  for (const Vocabulary* one : {&copy, &moved}) {
    EXPECT_EQ(one->column("a word longer than any short string"), 0U);
    EXPECT_EQ(one->column("b"), 1U);
  }
}

TEST(Vocabulary, RefusesAnEmptyWordAndADoubleOne) {
  EXPECT_THROW(Vocabulary({"a", ""}), Error);
  EXPECT_THROW(Vocabulary({"a", "b", "a"}), Error);
}

}  // namespace
}  // namespace nibble
