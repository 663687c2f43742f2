// The first byte chooses what is asked for.
#include "tests/fuzz/target.h"

#include "nibble/formats/strict_json.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::string_view text = text_of(bytes.subspan(1));
  if (bytes.front() == std::byte{'['}) {
    read_json_texts(text, "the list");
  } else {
    read_json_text_map(text, "the map");
  }
}
