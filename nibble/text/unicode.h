// What the tokenizer needs to know about characters: the answers of Python 3.11 (Unicode 14.0), so
// that words are the same as scikit-learn's. The tables are made by tools/make_unicode_tables.py.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nibble {

// \w in a Python regular expression: str.isalnum() or '_'.
bool is_word_character(char32_t value);

// str.lower() of one character where it stands alone: one code point, or two for U+0130 (I with
// dot), whose second is then U+0307. `second` is 0 otherwise.
struct LowerCase {
  char32_t first = 0;
  char32_t second = 0;
};
LowerCase lower_case(char32_t value);

// The two properties that the rule for the final sigma asks for. A character that is both counts as
// case-ignorable only, as the rule never looks further then.
bool is_cased(char32_t value);
bool is_case_ignorable(char32_t value);

// Appends str.lower() of the bytes begin..end of a UTF-8 text. The rest of the text matters: a
// capital sigma becomes a final one (U+03C2) if a cased character stands before it and none after
// it, case-ignorable ones not counted (Final_Sigma in Unicode's SpecialCasing.txt).
void append_lower_case(std::string_view text, std::size_t begin, std::size_t end,
                       std::string& lowered);

}  // namespace nibble
