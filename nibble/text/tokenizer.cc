#include "nibble/text/tokenizer.h"

#include "nibble/core/utf8.h"

namespace nibble::detail {

bool lower_ascii(std::string_view piece, std::string& lowered) {
  lowered = piece;
  unsigned seen = 0;
  for (char& byte : lowered) {
    seen |= static_cast<unsigned char>(byte);
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte + ('a' - 'A'));
  }
  return (seen & 0x80U) == 0;
}

std::string_view next_word(std::string_view lowered, std::size_t& position) {
  while (position < lowered.size()) {
    const std::size_t begin = position;
    std::size_t characters = 0;
    std::size_t bytes = 0;  // of the character that ended the run
    while (position < lowered.size()) {
      const CodePoint point = decode_utf8(lowered, position);
      bytes = point.bytes;
      if (!is_word_character(point.value)) break;
      position += point.bytes;
      ++characters;
    }
    const std::string_view word = lowered.substr(begin, position - begin);
    if (characters >= 2) return word;
    if (position < lowered.size()) position += bytes;
  }
  return {};
}

}  // namespace nibble::detail
