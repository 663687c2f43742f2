// The C code of a header (c_header.h), in pieces. '@' stands for the header's name.
#pragma once

#include <string>
#include <string_view>

namespace nibble {

extern const std::string_view kCodeOfFloatLayer;
extern const std::string_view kCodeOfHalf;      // needs @_power_of_2[31]
extern const std::string_view kCodeOfIntegers;  // how inputs become integers
extern const std::string_view kCodeOfInt8Layer;
extern const std::string_view kCodeOfInt4Layers;  // needs kCodeOfHalf
extern const std::string_view kCodeOfEnd;         // ReLU and the largest
extern const std::string_view kCodeOfText;        // needs the tables below and the words

// C arrays for the code of text: runs of word characters, and of characters with another lower
// case.
std::string c_tables_of_characters();

// `code` with every '@' replaced.
std::string named(std::string_view code, std::string_view name);

}  // namespace nibble
