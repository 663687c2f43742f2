// CRC-32 as ZIP has it (zlib's).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble {

// `before` is the checksum of the bytes that come first; 0 when there are none.
std::uint32_t crc32_of(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace nibble
