#include "nibble/formats/vocabulary_text.h"

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"

namespace nibble {

std::string text_from_words(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].find('\n') != std::string::npos)
      throw_error("word {} of the vocabulary holds a line feed and cannot be stored", i);
    if (i > 0) text += '\n';
    text += words[i];
  }
  return text;
}

std::vector<std::string> words_from_text(std::span<const std::byte> bytes) {
  const std::string_view text = text_of(bytes);
  std::vector<std::string> words;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find('\n', begin);
    words.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return words;
    begin = end + 1;
  }
}

}  // namespace nibble
