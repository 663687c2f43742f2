// Hashes as scikit-learn's murmurhash3_32 gives them.
#include "nibble/core/murmur_hash.h"

#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(MurmurHash, IsThatOfScikitLearn) {
  constexpr std::pair<std::string_view, std::uint32_t> kHashes[] = {
      {"", 0},
      {"a", 0x3C2569B2},
      {"ab", 0x9BBFD75F},
      {"abc", 0xB3DD93FA},
      {"abcd", 0x43ED676A},
      {"hello", 0x248BFA47},
      {"film", 0xF9D22D57},
      {"caf\u00e9", 0x241C0F08},
      {"\u65e5\u672c", 0xC4D9F942},
      {"\u0130stanbul", 0x3F720A42},
      {"extraordinarily", 0x3ECD04D8}};
  for (const auto& [text, hash] : kHashes) EXPECT_EQ(murmur_hash(text), hash) << text;
}

}  // namespace
}  // namespace nibble
