// The parts of the ZIP format that a stored-only archive needs. Source: PKWARE APPNOTE.TXT 6.3.10,
// sections 4.3 and 4.5.3.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nibble::zip {

inline constexpr std::uint32_t kLocalHeader = 0x04034b50;
inline constexpr std::uint32_t kCentralHeader = 0x02014b50;
inline constexpr std::uint32_t kEnd = 0x06054b50;
inline constexpr std::uint32_t kEnd64 = 0x06064b50;
inline constexpr std::uint32_t kEnd64Locator = 0x07064b50;

// Sizes without names, extra fields and comment.
inline constexpr std::size_t kLocalHeaderSize = 30;
inline constexpr std::size_t kEndSize = 22;
inline constexpr std::size_t kEnd64Size = 56;
inline constexpr std::size_t kEnd64LocatorSize = 20;

inline constexpr std::uint16_t kExtra64 = 0x0001;       // 64-bit sizes and offsets
inline constexpr std::uint16_t kExtraPadding = 0x4246;  // "FB", as PyTorch pads

inline constexpr std::uint16_t kEncrypted = 1U << 0;
inline constexpr std::uint16_t kUtf8Name = 1U << 11;

inline constexpr std::uint32_t kSaturated32 = 0xFFFFFFFF;  // "look in the 64-bit place"
inline constexpr std::uint16_t kSaturated16 = 0xFFFF;

}  // namespace nibble::zip
