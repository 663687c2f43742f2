#include "nibble/formats/vocabulary_text.h"

#include <cstddef>

#include "nibble/core/error.h"

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

}  // namespace nibble
