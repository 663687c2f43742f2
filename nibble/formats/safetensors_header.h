// The JSON header of a safetensors file, as text says it: nothing has been compared with the file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/formats/element_type.h"

namespace nibble {

struct TensorEntry {
  std::string name;
  ElementType type = ElementType::kF32;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  // counted from the first byte behind the header
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<TensorEntry> entries;  // names differ
};

// An Error for anything but {"__metadata__": {text: text}, name: {"dtype": text, "shape": [whole
// numbers], "data_offsets": [begin, end]}, ...}.
SafetensorsHeader parse_safetensors_header(std::string_view json);

}  // namespace nibble
