#include "nibble/text/tokenizer.h"

#include <vector>

#include <gtest/gtest.h>

namespace nibble {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  Words words;
  for_each_token(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

// Expected words are CountVectorizer().build_analyzer() of scikit-learn 1.2.1.
TEST(Tokenizer, AsciiText) {
  EXPECT_EQ(words_of(""), Words{});
  EXPECT_EQ(words_of(" \t.,"), Words{});
  EXPECT_EQ(words_of("a I x"), Words{});
  EXPECT_EQ(words_of("it's a co-op, n't"), (Words{"it", "co", "op"}));
  EXPECT_EQ(words_of("THE Best of 1930s"), (Words{"the", "best", "of", "1930s"}));
  EXPECT_EQ(words_of("snake_case __ _ _1"), (Words{"snake_case", "__", "_1"}));
  EXPECT_EQ(words_of("end"), Words{"end"});
  EXPECT_EQ(words_of("ends in e"), (Words{"ends", "in"}));
  EXPECT_EQ(words_of(std::string_view("nul\0byte", 8)), (Words{"nul", "byte"}));
}

// Every single ASCII byte between and around letters, against the definition of \w.
TEST(Tokenizer, EveryAsciiByte) {
  for (char byte = 0; byte >= 0 && byte < 127; ++byte) {
    const bool word = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                      (byte >= 'A' && byte <= 'Z') || byte == '_';
    const char lowered = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
    const std::string text = std::string("ab") + byte + "cd";
    EXPECT_EQ(words_of(text),
              word ? Words{std::string("ab") + lowered + "cd"} : (Words{"ab", "cd"}));
  }
}

TEST(Tokenizer, TwoCharactersAreAWordHoweverManyBytes) {
  EXPECT_EQ(words_of("é ñandú éé"), (Words{"ñandú", "éé"}));
  EXPECT_EQ(words_of("中 中文 日本語"), (Words{"中文", "日本語"}));
  EXPECT_EQ(words_of("𝒜 𝒜𝒷"), Words{"𝒜𝒷"});
}

TEST(Tokenizer, OtherCharactersEndAWord) {
  EXPECT_EQ(words_of("good😀bad 😀😀"), (Words{"good", "bad"}));
  EXPECT_EQ(words_of("caf\u00e9—cr\u00e8me"), (Words{"café", "crème"}));
  EXPECT_EQ(words_of("cafe\u0301s"), Words{"cafe"});  // a combining mark is no word character
  EXPECT_EQ(words_of("no\u00a0break zero\u200dwidth"), (Words{"no", "break", "zero", "width"}));
  EXPECT_EQ(words_of("हिन्दी भाषा नमस्ते"), Words{"नमस"});  // nor are vowel signs and viramas
}

TEST(Tokenizer, DigitsOfAllKindsAreWordCharacters) {
  EXPECT_EQ(words_of("x² ½½ ٣٤ Ⅷa"), (Words{"x²", "½½", "٣٤", "ⅷa"}));
}

TEST(Tokenizer, LowersBeforeItCuts) {
  EXPECT_EQ(words_of("İstanbul İİ"), Words{"stanbul"});  // İ becomes i and a combining dot
  EXPECT_EQ(words_of("ΟΔΟΣ ΟΔΟΣ.ΑΒ"), (Words{"οδος", "οδοσ", "αβ"}));
}

TEST(Tokenizer, BadBytesEndAWord) {
  EXPECT_EQ(words_of("good\xFF"
                     "bad\xC3"),
            (Words{"good", "bad"}));
}

TEST(Tokenizer, LongPieces) {
  for (const std::size_t size : {2U, 15U, 16U, 31U, 32U, 33U, 63U, 64U, 65U, 100000U}) {
    EXPECT_EQ(words_of(std::string(size, 'A') + " b"), Words{std::string(size, 'a')});
    EXPECT_EQ(words_of(std::string(size, 'a') + "é"), Words{std::string(size, 'a') + "é"});
  }
}

}  // namespace
}  // namespace nibble
