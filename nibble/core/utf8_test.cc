#include "nibble/core/utf8.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(Utf8, EveryCodePointGoesThereAndBack) {
  std::string text;
  for (char32_t value = 0; value < 0x110000; ++value) {
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    text.clear();
    append_utf8(value, text);
    EXPECT_EQ(find_invalid_utf8(text).has_value(), surrogate);
    const CodePoint point = decode_utf8(text, 0);
    ASSERT_EQ(point.value, surrogate ? kReplacement : value);
    ASSERT_EQ(point.bytes, surrogate ? 1 : text.size());
  }
}

// The oracle is the table of well-formed byte sequences (The Unicode Standard, table 3-7), for all
// pairs of first and second byte.
TEST(Utf8, EveryPairOfFirstBytesIsJudgedAsTheStandardDoes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const bool continuation = second >= 0x80 && second < 0xC0;
      bool valid = false;
      std::string rest;
      if (first < 0x80) {
        valid = second < 0x80;
      } else if (first >= 0xC2 && first < 0xE0) {
        valid = continuation;
      } else if (first >= 0xE0 && first < 0xF0) {
        valid =
            continuation && !(first == 0xE0 && second < 0xA0) && !(first == 0xED && second >= 0xA0);
        rest = "\x80";
      } else if (first >= 0xF0 && first < 0xF5) {
        valid =
            continuation && !(first == 0xF0 && second < 0x90) && !(first == 0xF4 && second >= 0x90);
        rest = "\x80\xBF";
      }
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      EXPECT_EQ(!find_invalid_utf8(text + rest).has_value(), valid) << first << " " << second;
    }
  }
}

TEST(Utf8, SaysWhereTheFirstBadByteStands) {
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("0123456789abcdef\xFF"), 16U);
  EXPECT_EQ(find_invalid_utf8("0123456\xC3\xA9 \xC3"), 10U);
  EXPECT_EQ(find_invalid_utf8("\xE2\x82"), 0U);
  EXPECT_EQ(find_invalid_utf8("\xF0\x9F\x98\x80\x80"), 4U);
}

TEST(Utf8, ReadsABadByteAsOneReplacement) {
  EXPECT_EQ(decode_utf8("\xE2\x82", 0).value, kReplacement);
  EXPECT_EQ(decode_utf8("\xE2\x82", 0).bytes, 1U);
}

}  // namespace
}  // namespace nibble
