#include "nibble/formats/word_coding.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/core/random.h"
#include "nibble/formats/byte_reader.h"

namespace nibble {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : "\n") + word;
  return text;
}

void expect_back(const std::vector<std::string>& words) {
  const std::string text = joined(words);
  const std::string bytes = compress_words(text);
  EXPECT_EQ(expand_words(bytes_of(bytes), words.size()), text);
}

TEST(WordCoding, AnyWordsComeBack) {
  expect_back({});
  expect_back({"a"});
  expect_back({"abc", "abd", "ab", "abcd", "b", "caf\xC3\xA9", "\xFF\x01\x80"});
  expect_back({std::string(500, 'x'), std::string(499, 'x') + "y", "x"});
  std::vector<std::string> words;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    std::string word;
    for (std::uint32_t k = 0; k <= philox({7}, i)[0] % 9; ++k) {
      const auto byte = static_cast<char>(philox({8}, i, k)[0] % (i % 2 == 0 ? 26 : 255) + 'a');
      word += byte == '\n' || byte == '\0' ? 'q' : byte;
    }
    words.push_back(word);
  }
  expect_back(words);
  std::sort(words.begin(), words.end());
  expect_back(words);
}

// Numbers of five digits in order: one digit of six bytes is new. 3.3 bits each, a fourteenth of
// the text, would be the least without knowing that they count up; learning costs as much again.
TEST(WordCoding, WordsInOrderTakeAFractionOfTheirText) {
  std::vector<std::string> words;
  for (int i = 10000; i < 20000; ++i) words.push_back(std::to_string(i));
  const std::string text = joined(words);
  EXPECT_LT(compress_words(text).size(), text.size() / 6);
}

TEST(WordCoding, DamageIsRefusedOrGivesSomeWords) {
  const std::string bytes = compress_words("alpha\nalphabet\nbeta\nbetray\ngamma");
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(expand_words(bytes_of(bytes).first(length), 5), Error) << length;
  EXPECT_THROW(expand_words(bytes_of(bytes + "x"), 5), Error);
  EXPECT_THROW(expand_words(bytes_of(bytes), 500), Error);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5A);
    try {
      expand_words(bytes_of(damaged), 5);
    } catch (const Error&) {
      continue;  // the sanitizers watch for anything worse
    }
  }
}

}  // namespace
}  // namespace nibble
