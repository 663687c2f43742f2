// Rows of numbers as text: "5.1, 3.5, -1e-4".
#pragma once

#include <cstddef>
#include <string_view>

#include "nibble/core/aligned.h"
#include "nibble/data/lines.h"

namespace nibble {

// Appends the comma-separated numbers of a row and returns how many there are. White space around a
// number does not count. An Error, with the place, for what is no number, is infinite or NaN, or
// does not fit a 32-bit float.
std::size_t append_numbers(std::string_view cells, const Place& place,
                           AlignedVector<float>& values);

// Whether the text of one cell is a number, finite or not.
bool is_number(std::string_view cell);

}  // namespace nibble
