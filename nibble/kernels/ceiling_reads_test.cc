#include "nibble/kernels/ceiling_reads.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/kernels/cpu_level.h"

namespace nibble {
namespace {

class CeilingReads : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_cpu_level(GetParam()); }
  void TearDown() override { force_cpu_level("auto"); }
};

// Every word set to a value of its own: a word left out or read twice would show.
TEST_P(CeilingReads, ReadsEveryWordOnceAPass) {
  for (const std::size_t steps : {0, 1, 2, 3, 31, 64, 65}) {
    std::vector<std::uint32_t> words(steps * kReadStep + 1);  // + 1: start off a cache line
    std::uint32_t expected = 0;
    for (std::size_t i = 1; i < words.size(); ++i) {
      words[i] = static_cast<std::uint32_t>(i * 2654435761U);
      expected ^= words[i];
    }
    const std::span<const std::uint32_t> unaligned(words.data() + 1, words.size() - 1);
    EXPECT_EQ(read_words(unaligned, 0), 0U) << steps;
    EXPECT_EQ(read_words(unaligned, 1), expected) << steps;
    EXPECT_EQ(read_words(unaligned, 2), 0U) << steps;
    EXPECT_EQ(read_words(unaligned, 3), expected) << steps;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryLevel, CeilingReads, testing::ValuesIn(available_cpu_levels()),
                         [](const auto& level) { return level.param; });

}  // namespace
}  // namespace nibble
