#include "nibble/formats/safetensors.h"

#include "tests/fuzz/target.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) { read_safetensors(bytes); }
