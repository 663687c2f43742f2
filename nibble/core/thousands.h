// Whole numbers for people.
#pragma once

#include <cstddef>
#include <string>

namespace nibble {

// 5293122 -> "5,293,122"
std::string with_thousands(std::size_t number);

}  // namespace nibble
