// The pickle by itself, where every byte of the input is one of it.
#include "tests/fuzz/target.h"

#include "nibble/formats/pickle_reader.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) { read_pickle(bytes); }
