// Text to words with the meaning of scikit-learn's CountVectorizer: lower-case first (str.lower),
// then every match of (?u)\b\w\w+\b, which is every run of at least two word characters.
//
// The text is cut at ASCII bytes that are no word characters: they stay what they are in lower
// case, so no word crosses them. A piece that is all ASCII needs no decoding, and one that is also
// in lower case is handed out without a copy. A piece with other characters takes the slow way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "nibble/text/unicode.h"

namespace nibble {
namespace detail {

enum ByteClass : std::uint8_t { kSeparator = 0, kWord = 1, kUpper = 2, kNotAscii = 4 };

constexpr std::array<std::uint8_t, 256> make_byte_classes() {
  std::array<std::uint8_t, 256> classes{};  // all kSeparator
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] = kWord;
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] = kWord;
  for (unsigned c = 'A'; c <= 'Z'; ++c) classes[c] = kUpper;
  classes['_'] = kWord;
  for (unsigned c = 0x80; c < 0x100; ++c) classes[c] = kNotAscii;
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kByteClasses = make_byte_classes();

// The bytes of an ASCII piece in lower case.
void lower_ascii(std::string_view piece, std::string& lowered);

// The next run of at least two word characters at or after `position`, which moves behind it; empty
// when there is none.
std::string_view next_word(std::string_view lowered, std::size_t& position);

}  // namespace detail

// Calls sink(std::string_view word) for every word, in order. A view is valid until the sink
// returns. `text` should be valid UTF-8; a byte that is not counts as a character of no word.
template <typename Sink>
void for_each_token(std::string_view text, Sink&& sink) {
  std::string lowered;
  for (std::size_t end = 0; end < text.size(); ++end) {
    const std::size_t begin = end;
    unsigned seen = 0;  // the classes of the piece's bytes
    for (; end < text.size(); ++end) {
      const std::uint8_t byte_class = detail::kByteClasses[static_cast<unsigned char>(text[end])];
      if (byte_class == detail::kSeparator) break;
      seen |= byte_class;
    }
    const std::string_view piece = text.substr(begin, end - begin);
    if (piece.size() < 2) continue;
    if (seen == detail::kWord) {
      sink(piece);
    } else if ((seen & detail::kNotAscii) == 0) {
      detail::lower_ascii(piece, lowered);
      sink(std::string_view(lowered));
    } else {
      lowered.clear();
      append_lower_case(text, begin, end, lowered);
      std::size_t position = 0;
      for (;;) {
        const std::string_view word = detail::next_word(lowered, position);
        if (word.empty()) break;
        sink(word);
      }
    }
  }
}

}  // namespace nibble
