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

// 1 to 8 bytes as one word, with zeros behind them. A read of eight, where `readable` allows it,
// needs neither a branch on the size nor a loop.
inline std::uint64_t load_short(const char* bytes, std::size_t size, std::size_t readable) {
  if (readable >= 8) return load<std::uint64_t>(bytes) << (64 - 8 * size) >> (64 - 8 * size);
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, size);
  return word;
}

}  // namespace detail

// `readable`: how many bytes from the first one on may be read, at least all that are hashed. The
// hash does not depend on it.
inline std::uint64_t hash_bytes(std::string_view bytes, std::size_t readable) {
  using detail::kFirst, detail::kSecond;
  const char* next = bytes.data();
  const std::size_t size = bytes.size();
  std::uint64_t state = kFirst + size * kSecond;  // multiplied: it must not look like a byte
  if (size > 8) {
    for (; next + 8 < bytes.data() + size; next += 8)
      state = detail::mix(state ^ detail::load<std::uint64_t>(next), kSecond);
    // The last eight may overlap those before.
    state = detail::mix(state ^ detail::load<std::uint64_t>(bytes.data() + size - 8), kSecond);
  } else if (size > 0) {
    state = detail::mix(state ^ detail::load_short(next, size, readable), kSecond);
  }
  return detail::mix(state ^ kSecond, kFirst);
}

inline std::uint64_t hash_bytes(std::string_view bytes) { return hash_bytes(bytes, bytes.size()); }

}  // namespace nibble
