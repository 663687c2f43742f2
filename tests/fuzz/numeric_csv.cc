#include "nibble/data/numeric_csv.h"

#include "tests/fuzz/target.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  read_numeric_csv(text_of(bytes), "fuzz.csv", {});
}
