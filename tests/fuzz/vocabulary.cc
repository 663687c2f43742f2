#include "nibble/text/vocabulary.h"

#include "tests/fuzz/target.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  const Vocabulary words = Vocabulary::of_lines(std::string(text_of(bytes)));
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words.column(words.word(i)) != i) __builtin_trap();
  }
}
