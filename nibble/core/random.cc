#include "nibble/core/random.h"

#include <numeric>
#include <utility>

namespace nibble {
namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53;  // constants of Philox4x32, SC11 paper, table 2
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

__extension__ using Wide = unsigned __int128;

std::uint32_t mask_above(std::uint32_t max) {
  std::uint32_t mask = max;
  for (int shift = 1; shift <= 16; shift *= 2) mask |= mask >> shift;
  return mask;
}

}  // namespace

std::uint32_t NumpyRandom::interval(std::uint32_t max) {
  if (max == 0) return 0;
  const std::uint32_t mask = mask_above(max);
  for (;;) {
    const auto value = static_cast<std::uint32_t>(engine_()) & mask;
    if (value <= max) return value;
  }
}

std::vector<std::size_t> NumpyRandom::permutation(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i-- > 1;) {
    std::swap(order[i], order[interval(static_cast<std::uint32_t>(i))]);
  }
  return order;
}

// In double nothing is rounded before the last step: u has 24 bits, bound 24.
void TorchRandom::fill_uniform(std::span<float> values, float bound) {
  const double unit = static_cast<double>(bound) * 0x1p-23;
  for (float& value : values) {
    const auto bits = static_cast<std::uint32_t>(engine_()) & 0xFFFFFFU;
    value = static_cast<float>(static_cast<double>(bits) * unit - static_cast<double>(bound));
  }
}

std::array<std::uint32_t, 4> philox(RandomKey key, std::uint64_t counter_low,
                                    std::uint64_t counter_high) {
  std::array<std::uint32_t, 4> c = {
      static_cast<std::uint32_t>(counter_low), static_cast<std::uint32_t>(counter_low >> 32),
      static_cast<std::uint32_t>(counter_high), static_cast<std::uint32_t>(counter_high >> 32)};
  std::uint32_t k0 = key.seed;
  auto k1 = static_cast<std::uint32_t>(key.stream);
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{kMultiplier0} * c[0];
    const std::uint64_t product1 = std::uint64_t{kMultiplier1} * c[2];
    c = {static_cast<std::uint32_t>(product1 >> 32) ^ c[1] ^ k0,
         static_cast<std::uint32_t>(product1),
         static_cast<std::uint32_t>(product0 >> 32) ^ c[3] ^ k1,
         static_cast<std::uint32_t>(product0)};
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return c;
}

std::vector<std::uint32_t> shuffled_order(std::size_t count, std::uint32_t seed,
                                          std::uint64_t round) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = count; i-- > 1;) {
    const auto words = philox({seed, RandomStream::kShuffle}, i, round);
    // 64 random bits scaled to 0..i: a bias below 2^-32, far under what any test could see.
    const std::uint64_t wide = (std::uint64_t{words[1]} << 32) | words[0];
    const auto other = static_cast<std::size_t>((static_cast<Wide>(wide) * (i + 1)) >> 64);
    std::swap(order[i], order[other]);
  }
  return order;
}

}  // namespace nibble
