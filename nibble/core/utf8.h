// UTF-8: checking, reading and writing one code point at a time (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace nibble {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  // how many it takes in the text
};

inline constexpr char32_t kReplacement = 0xFFFD;

// The code point that starts at `position` (which must be inside the text). A byte that starts none
// reads as U+FFFD, one byte long, so a loop over any bytes ends.
CodePoint decode_utf8(std::string_view text, std::size_t position);

// `value` must be below 0x110000; a surrogate is written as if it were a character.
void append_utf8(char32_t value, std::string& text);

// Offset of the first byte that is not part of valid UTF-8; nothing if all is valid.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

}  // namespace nibble
