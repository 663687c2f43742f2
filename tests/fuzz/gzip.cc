// A limit on what may come out, as every caller sets one.
#include "nibble/data/gzip.h"

#include "tests/fuzz/target.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  gunzip(text_of(bytes), 1 << 20, "fuzz.gz");
}
