#include "nibble/formats/checksum.h"

#include <zlib.h>

namespace nibble {

std::uint32_t crc32_of(std::span<const std::byte> bytes, std::uint32_t before) {
  const auto* first = reinterpret_cast<const Bytef*>(bytes.data());
  return static_cast<std::uint32_t>(::crc32_z(before, first, bytes.size()));
}

}  // namespace nibble
