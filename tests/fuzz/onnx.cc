#include "nibble/formats/onnx.h"

#include "tests/fuzz/target.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) { read_onnx(bytes); }
