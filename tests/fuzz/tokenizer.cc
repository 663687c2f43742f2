// Text to words and counts; any bytes, not only valid UTF-8.
#include "nibble/text/tokenizer.h"

#include "tests/fuzz/target.h"

#include "nibble/core/utf8.h"
#include "nibble/text/bag_of_words.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  const std::string_view text = text_of(bytes);
  std::size_t letters = 0;
  for_each_token(text, [&letters](std::string_view word) { letters += word.size(); });
  if (letters > 4 * text.size() || find_invalid_utf8(text)) return;
  const Vocabulary words = fit_vocabulary({std::string(text)}, 100);
  bag_of_words({std::string(text)}, words);
}
