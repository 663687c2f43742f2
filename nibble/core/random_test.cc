#include "nibble/core/random.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace nibble {
namespace {

using Order = std::vector<std::size_t>;

// Vectors from numpy.random.RandomState(seed).permutation(n).
TEST(NumpyRandom, PermutesAsNumpyDoes) {
  EXPECT_EQ(NumpyRandom(42).permutation(10), (Order{8, 1, 5, 0, 7, 2, 9, 4, 3, 6}));
  EXPECT_EQ(NumpyRandom(0).permutation(10), (Order{2, 8, 4, 9, 1, 6, 7, 3, 0, 5}));
  EXPECT_EQ(NumpyRandom(42).permutation(5), (Order{1, 4, 2, 0, 3}));
}

TEST(NumpyRandom, PermutesNothingAndOne) {
  EXPECT_TRUE(NumpyRandom(1).permutation(0).empty());
  EXPECT_EQ(NumpyRandom(1).permutation(1), Order{0});
}

// From torch.manual_seed(seed); torch.empty(4).uniform_(-0.3, 0.3), PyTorch 1.13 on AVX2.
TEST(TorchRandom, DrawsAsPyTorchDoes) {
  std::vector<float> drawn(2);
  TorchRandom random(7);
  random.fill_uniform(drawn, 0.3F);
  std::vector<float> more(2);
  random.fill_uniform(more, 0.3F);
  drawn.insert(drawn.end(), more.begin(), more.end());
  EXPECT_EQ(drawn, (std::vector<float>{0x1.574d740000000p-6F, -0x1.721c540000000p-3F,
                                       0x1.8747580000000p-4F, 0x1.8192d40000000p-4F}));
}

// Known answers from the Random123 distribution (kat_vectors, philox4x32 10).
TEST(Philox, MatchesTheKnownAnswers) {
  const auto zero = philox({0, static_cast<RandomStream>(0)}, 0, 0);
  EXPECT_EQ(zero, (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const auto pi = philox({0xa4093822, static_cast<RandomStream>(0x299f31d0)}, 0x85a308d3243f6a88,
                         0x0370734413198a2e);
  EXPECT_EQ(pi, (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(ShuffledOrder, IsAPermutationThatDependsOnSeedAndRound) {
  auto order = shuffled_order(1000, 7, 3);
  EXPECT_NE(order, shuffled_order(1000, 7, 4));
  EXPECT_NE(order, shuffled_order(1000, 8, 3));
  EXPECT_EQ(order, shuffled_order(1000, 7, 3));
  std::sort(order.begin(), order.end());
  std::vector<std::uint32_t> expected(1000);
  std::iota(expected.begin(), expected.end(), 0U);
  EXPECT_EQ(order, expected);
}

TEST(UnitFloat, StaysBelowOne) {
  EXPECT_EQ(unit_float(0), 0.0F);
  EXPECT_LT(unit_float(0xFFFFFFFF), 1.0F);
}

}  // namespace
}  // namespace nibble
