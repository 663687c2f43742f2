#include "nibble/core/hash.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(HashBytes, EveryByteAndTheLengthCount) {
  for (std::size_t size = 0; size <= 65; ++size) {
    const std::string zeros(size, '\0');
    std::unordered_set<std::uint64_t> seen = {hash_bytes(zeros), hash_bytes(zeros + '\0')};
    for (std::size_t i = 0; i < size; ++i) {
      std::string changed = zeros;
      changed[i] = '\1';
      seen.insert(hash_bytes(changed));
    }
    EXPECT_EQ(seen.size(), size + 2) << size;
  }
}

TEST(HashBytes, DoesNotDependOnWhereTheBytesLie) {
  const std::string text = "misaligned reads are fine";
  for (std::size_t shift = 0; shift < 9; ++shift) {
    const std::string moved = std::string(shift, 'x') + text;
    EXPECT_EQ(hash_bytes(std::string_view(moved).substr(shift)), hash_bytes(text));
  }
}

TEST(HashBytes, DoesNotDependOnWhatFollows) {
  const std::string text = "a word of any size, and whatever comes behind it";
  for (std::size_t size = 0; size <= 20; ++size) {
    const std::string_view word = std::string_view(text).substr(0, size);
    for (std::size_t readable = size; readable <= text.size(); ++readable)
      EXPECT_EQ(hash_bytes(word, readable), hash_bytes(word)) << size << " of " << readable;
  }
}

// The first 200,000 numbers as text: their low 32 bits collide about as often as random ones would
// (expected pairs: n^2 / 2^33 = 4.7), and their low 16 bits fill a table evenly.
TEST(HashBytes, SpreadsNumbers) {
  std::unordered_set<std::uint32_t> low;
  std::vector<int> buckets(1U << 16);
  for (int i = 0; i < 200000; ++i) {
    const std::uint64_t hash = hash_bytes(std::to_string(i));
    low.insert(static_cast<std::uint32_t>(hash));
    ++buckets[hash & 0xFFFF];
  }
  EXPECT_GT(low.size(), 200000U - 30U);
  EXPECT_LT(*std::max_element(buckets.begin(), buckets.end()), 20);  // mean 3.05, deviation 1.7
}

}  // namespace
}  // namespace nibble
