// A vocabulary as one text: the words in column order with a line feed between two of them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace nibble {

// An Error if a word holds a line feed.
std::string text_from_words(const std::vector<std::string>& words);
std::vector<std::string> words_from_text(std::span<const std::byte> bytes);

}  // namespace nibble
