// Text to words with the meaning of scikit-learn's CountVectorizer: lower-case first (str.lower),
// then every match of (?u)\b\w\w+\b, which is every run of at least two word characters.
//
// The text is cut at ASCII bytes that are no word characters: they stay what they are in lower
// case, so no word crosses them. A piece that is all ASCII needs no decoding, and one that is also
// in lower case is handed out without a copy. A piece with other characters takes the slow way.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "nibble/text/pieces.h"
#include "nibble/text/unicode.h"

namespace nibble {
namespace detail {

// The bytes of a piece in lower case; false if they are not all ASCII.
bool lower_ascii(std::string_view piece, std::string& lowered);

// The next run of at least two word characters at or after `position`, which moves behind it; empty
// when there is none.
std::string_view next_word(std::string_view lowered, std::size_t& position);

}  // namespace detail

// Calls sink(std::string_view word) for every word, in order. A view is valid until the sink
// returns. `text` should be valid UTF-8; a byte that is not counts as a character of no word.
template <typename Sink>
void for_each_token(std::string_view text, Sink&& sink) {
  std::string lowered;
  detail::Pieces pieces(text);
  for (detail::Piece piece; pieces.next(piece);) {
    const std::string_view bytes = text.substr(piece.begin, piece.end - piece.begin);
    if (!piece.special) {
      sink(bytes);
    } else if (detail::lower_ascii(bytes, lowered)) {
      sink(std::string_view(lowered));
    } else {
      lowered.clear();
      append_lower_case(text, piece.begin, piece.end, lowered);
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
