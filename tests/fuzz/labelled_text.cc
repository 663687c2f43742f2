#include "nibble/data/labelled_text.h"

#include "tests/fuzz/target.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  read_labelled_text(text_of(bytes), "fuzz.tsv", {});
}
