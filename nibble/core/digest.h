// SHA-256 (FIPS 180-4), by libmd: to recognise a data file and to say which one a model was made
// from.
#pragma once

#include <string>
#include <string_view>

namespace nibble {

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace nibble
