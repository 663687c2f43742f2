#include "nibble/text/unicode.h"

#include <cstdint>
#include <iterator>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nibble/core/digest.h"

namespace nibble {
namespace {

std::string lower(std::string_view text) {
  std::string lowered;
  append_lower_case(text, 0, text.size(), lowered);
  return lowered;
}

// All 0x110000 code points at once: the constant is what Python 3.11 says of each of them
// (tools/make_unicode_tables.py --digest), one line "code point, flags, lower case" in hexadecimal.
TEST(Unicode, EveryCodePointIsWhatPythonSays) {
  std::string all;
  for (char32_t value = 0; value < 0x110000; ++value) {
    const int flags = (is_word_character(value) ? 1 : 0) + (is_cased(value) ? 2 : 0) +
                      (is_case_ignorable(value) ? 4 : 0);
    const LowerCase lowered = lower_case(value);
    fmt::format_to(std::back_inserter(all), "{:x} {} {:x}", static_cast<std::uint32_t>(value),
                   flags, static_cast<std::uint32_t>(lowered.first));
    if (lowered.second != 0) {
      fmt::format_to(std::back_inserter(all), " {:x}", static_cast<std::uint32_t>(lowered.second));
    }
    all += '\n';
  }
  EXPECT_EQ(sha256_hex(all), "b486a78a0730ecbfabb408ce0ca0d15f3429cf6bf2f696482c932cb60b5cf6fe");
}

// What str.lower() of Python 3.11 gives.
TEST(LowerCase, OfWholeTexts) {
  EXPECT_EQ(lower(""), "");
  EXPECT_EQ(lower("A Bout De SOUFFLE 1960"), "a bout de souffle 1960");
  EXPECT_EQ(lower("ÀÉÎÕÜ ẞ"), "àéîõü ß");
  EXPECT_EQ(lower("İstanbul"), "i\u0307stanbul");
  EXPECT_EQ(lower("\u212Aelvin \u2126"), "kelvin ω");  // signs that are letters
  EXPECT_EQ(lower("ǅ Ⴀ 𐐀"), "ǆ ⴀ 𐐨");
}

TEST(LowerCase, SigmaIsFinalAfterACasedCharacterAndBeforeNone) {
  EXPECT_EQ(lower("ΟΔΟΣ"), "οδος");
  EXPECT_EQ(lower("ΣΙΣΥΦΟΣ ΣΑΣ"), "σισυφος σας");
  EXPECT_EQ(lower("Σ"), "σ");
  EXPECT_EQ(lower("AΣ"), "aς");
  EXPECT_EQ(lower("AΣA"), "aσa");
  EXPECT_EQ(lower("1Σ"), "1σ");  // a digit is not cased
  EXPECT_EQ(lower("AΣ1"), "aς1");
  EXPECT_EQ(lower("A'Σ"), "a'ς");  // an apostrophe is case-ignorable
  EXPECT_EQ(lower("AΣ'"), "aς'");
  EXPECT_EQ(lower("AΣ'B"), "aσ'b");
  EXPECT_EQ(lower("A\u0301Σ\u0301"), "a\u0301ς\u0301");
  EXPECT_EQ(lower("'Σ"), "'σ");
  EXPECT_EQ(lower("中Σ"), "中σ");  // a letter without case
  EXPECT_EQ(lower("ΣΣΣ"), "σσς");
}

TEST(LowerCase, SigmaSeesBeyondThePartThatIsLowered) {
  const std::string text = "ΑΣΑ";  // two bytes each
  std::string lowered;
  append_lower_case(text, 2, 4, lowered);
  EXPECT_EQ(lowered, "σ");
}

TEST(LowerCase, BadBytesBecomeReplacements) { EXPECT_EQ(lower("A\xFF\xCE"), "a\uFFFD\uFFFD"); }

}  // namespace
}  // namespace nibble
