// How fast this core can read memory and do nothing else: the ceiling of every kernel that waits
// for its weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble {

inline constexpr std::size_t kReadStep = 64;  // words; four vectors of the widest level

// Reads the whole buffer `passes` times with the widest loads of the level in use. Returns the
// exclusive or of all words read, so that no load can be left out (an even number of passes makes
// it 0). The number of words must be a multiple of kReadStep.
std::uint32_t read_words(std::span<const std::uint32_t> words, std::size_t passes);

}  // namespace nibble
