// A fast hash for short byte strings, for tables in memory: neither stable across versions nor safe
// against an opponent who picks the strings.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace nibble {
namespace detail {

inline constexpr std::uint64_t kFirst = 0x9E3779B97F4A7C15;   // 2^64 / golden ratio
inline constexpr std::uint64_t kSecond = 0xD1342543DE82EF95;  // odd, with good bit patterns

template <typename Word>
inline std::uint64_t load(const char* bytes) {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// Both halves of a 64 x 64 bit product, folded: every input bit reaches every output bit (the
// mixing step of wyhash, Wang Yi 2019).
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// The last 1 to 8 bytes as one word; reads overlap, so that no byte outside is touched.
inline std::uint64_t load_tail(const char* bytes, std::size_t size) {
  if (size >= 4) {
    return (load<std::uint32_t>(bytes) << 32) | load<std::uint32_t>(bytes + size - 4);
  }
  return (load<std::uint8_t>(bytes) << 16) | (load<std::uint8_t>(bytes + size / 2) << 8) |
         load<std::uint8_t>(bytes + size - 1);
}

}  // namespace detail

inline std::uint64_t hash_bytes(std::string_view bytes) {
  using detail::kFirst, detail::kSecond;
  const char* next = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t state = kFirst + left * kSecond;  // multiplied: it must not look like a byte
  for (; left > 8; next += 8, left -= 8) {
    state = detail::mix(state ^ detail::load<std::uint64_t>(next), kSecond);
  }
  if (left > 0) state = detail::mix(state ^ detail::load_tail(next, left), kSecond);
  return detail::mix(state ^ kSecond, kFirst);
}

}  // namespace nibble
