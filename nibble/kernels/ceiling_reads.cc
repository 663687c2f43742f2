#include "nibble/kernels/ceiling_reads.h"

#include <array>
#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/ceiling_reads.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// NOLINTNEXTLINE(misc-unused-alias-decls): used at some levels
namespace hn = hwy::HWY_NAMESPACE;

using Step = std::array<std::uint32_t, kReadStep>;

std::uint32_t fold(const Step& words) {
  std::uint32_t result = 0;
  for (const std::uint32_t word : words) result ^= word;
  return result;
}

// The next pass must read again.
void forget_memory() { asm volatile("" : : : "memory"); }

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// As wide as the compiler makes plain loops.
std::uint32_t read_passes(const std::uint32_t* words, std::size_t count, std::size_t passes) {
  constexpr std::size_t kLanes = 16;
  Step sums{};
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (std::size_t at = 0; at < count; at += kLanes) {
      for (std::size_t i = 0; i < kLanes; ++i) sums[i] ^= words[at + i];
    }
    forget_memory();
  }
  return fold(sums);
}

#else

std::uint32_t read_passes(const std::uint32_t* words, std::size_t count, std::size_t passes) {
  const hn::ScalableTag<std::uint32_t> d;
  const std::size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  auto sum2 = hn::Zero(d);
  auto sum3 = hn::Zero(d);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (std::size_t at = 0; at < count; at += 4 * lanes) {
      sum0 = hn::Xor(sum0, hn::LoadU(d, words + at));
      sum1 = hn::Xor(sum1, hn::LoadU(d, words + at + lanes));
      sum2 = hn::Xor(sum2, hn::LoadU(d, words + at + 2 * lanes));
      sum3 = hn::Xor(sum3, hn::LoadU(d, words + at + 3 * lanes));
    }
    forget_memory();
  }
  Step last{};
  hn::StoreU(hn::Xor(hn::Xor(sum0, sum1), hn::Xor(sum2, sum3)), d, last.data());
  return fold(last);
}

#endif

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(read_passes);

}  // namespace

std::uint32_t read_words(std::span<const std::uint32_t> words, std::size_t passes) {
  assert(words.size() % kReadStep == 0);
  return NIBBLE_DISPATCH(read_passes)(words.data(), words.size(), passes);
}

}  // namespace nibble
#endif  // HWY_ONCE
