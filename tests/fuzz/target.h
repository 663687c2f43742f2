// A fuzz target is one file of this folder: it includes this header and the header of a reader, and
// defines read(). driver.cc does the rest: an Error is a good answer; everything else that goes
// wrong, and memory of more than 16 MB and four times the input, is a finding.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "nibble/formats/byte_reader.h"

namespace nibble::fuzz {

void read(std::span<const std::byte> bytes);

}  // namespace nibble::fuzz
