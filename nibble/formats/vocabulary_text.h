// A vocabulary as one text: the words in column order with a line feed between two of them.
#pragma once

#include <string>
#include <vector>

namespace nibble {

// An Error if a word holds a line feed.
std::string text_from_words(const std::vector<std::string>& words);

}  // namespace nibble
