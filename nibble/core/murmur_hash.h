// MurmurHash3_x86_32 (Austin Appleby, public domain): a hash that is the same everywhere, and that
// of scikit-learn's HashingVectorizer and FeatureHasher.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace nibble {
namespace detail {

inline std::uint32_t murmur_scrambled(std::uint32_t word) {
  return std::rotl(word * 0xCC9E2D51U, 15) * 0x1B873593U;
}

// Up to four bytes, the first lowest.
inline std::uint32_t murmur_word(std::string_view bytes) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    word |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return word;
}

}  // namespace detail

inline std::uint32_t murmur_hash(std::string_view bytes, std::uint32_t seed = 0) {
  std::uint32_t state = seed;
  std::string_view left = bytes;
  for (; left.size() >= 4; left.remove_prefix(4)) {
    state ^= detail::murmur_scrambled(detail::murmur_word(left.substr(0, 4)));
    state = std::rotl(state, 13) * 5 + 0xE6546B64U;
  }
  if (!left.empty()) state ^= detail::murmur_scrambled(detail::murmur_word(left));
  state ^= static_cast<std::uint32_t>(bytes.size());
  state = (state ^ (state >> 16)) * 0x85EBCA6BU;
  state = (state ^ (state >> 13)) * 0xC2B2AE35U;
  return state ^ (state >> 16);
}

}  // namespace nibble
