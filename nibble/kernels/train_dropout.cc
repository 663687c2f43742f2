#include "nibble/kernels/train_dropout.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "nibble/core/random.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/train_dropout.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

void relu_dropout(const DropoutRow& dropout, std::size_t count, float* y) {
  for (std::size_t u = 0; u < count; ++u) {
    const std::uint32_t counter =
        dropout.first_counter +
        static_cast<std::uint32_t>(u / kDropoutBlock * kDropoutCounters + u % kDropoutCounters);
    const auto words =
        philox({dropout.seed, RandomStream::kDropout}, counter, dropout.counter_high);
    const std::size_t half = u % kDropoutBlock / 16;
    const std::uint32_t bits = (words[half / 2] >> (16 * (half % 2))) & 0xFFFFU;
    const float kept = y[u] < 0.0F ? 0.0F : y[u] * dropout.scale;
    y[u] = bits >= dropout.threshold ? kept : 0.0F;
  }
}

#else

using FloatTag = hn::CappedTag<float, kTrainLanes>;
using WordTag = hn::RebindToUnsigned<FloatTag>;
using SignedTag = hn::RebindToSigned<FloatTag>;
using Words = hn::Vec<WordTag>;

constexpr std::uint32_t kMultiplier0 = 0xD2511F53;  // as in core/random.cc, which is the oracle
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

struct Block {
  Words w0, w1, w2, w3;
};

HWY_INLINE void multiply(Words a, Words factor, Words& high, Words& low) {
  const WordTag d;
  const hn::RepartitionToWide<WordTag> wide;
  const auto even = hn::MulEven(a, factor);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, a))), factor);
  high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
}

HWY_INLINE Block philox_block(const DropoutRow& key, std::uint32_t counter) {
  const WordTag d;
  Block c{hn::Add(hn::Set(d, counter), hn::Iota(d, 0)), hn::Zero(d),
          hn::Set(d, static_cast<std::uint32_t>(key.counter_high)),
          hn::Set(d, static_cast<std::uint32_t>(key.counter_high >> 32))};
  const Words factor0 = hn::Set(d, kMultiplier0);
  const Words factor1 = hn::Set(d, kMultiplier1);
  std::uint32_t k0 = key.seed;
  auto k1 = static_cast<std::uint32_t>(RandomStream::kDropout);
  for (int round = 0; round < kRounds; ++round) {
    Words high0;
    Words low0;
    Words high1;
    Words low1;
    multiply(c.w0, factor0, high0, low0);
    multiply(c.w2, factor1, high1, low1);
    c = {hn::Xor(hn::Xor(high1, c.w1), hn::Set(d, k0)), low1,
         hn::Xor(hn::Xor(high0, c.w3), hn::Set(d, k1)), low0};
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return c;
}

struct Rule {
  hn::Vec<SignedTag> threshold;
  hn::Vec<FloatTag> scale;
};

HWY_INLINE void keep_some(const Rule& rule, Words bits, float* y) {
  const FloatTag d;
  // The zero comes first: of a NaN and a number, x86's max gives its second operand.
  const auto positive = hn::Max(hn::Zero(d), hn::Load(d, y));
  // 16 bits each, so a signed comparison will do.
  const auto dropped = hn::Lt(hn::BitCast(SignedTag(), bits), rule.threshold);
  const auto zeroed = hn::MaskFromVec(hn::BitCast(d, hn::VecFromMask(SignedTag(), dropped)));
  hn::Store(hn::IfThenZeroElse(zeroed, hn::Mul(positive, rule.scale)), d, y);
}

// Both halves of one word: 16 units each, `at` the first of this vector.
HWY_INLINE void keep_by_word(const Rule& rule, Words word, std::size_t at, std::size_t count,
                             float* y) {
  if (at < count) keep_some(rule, hn::And(word, hn::Set(WordTag(), 0xFFFFU)), y + at);
  if (at + 16 < count) keep_some(rule, hn::ShiftRight<16>(word), y + at + 16);
}

void relu_dropout(const DropoutRow& dropout, std::size_t count, float* y) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  const Rule rule{hn::Set(SignedTag(), static_cast<std::int32_t>(dropout.threshold)),
                  hn::Set(FloatTag(), dropout.scale)};
  for (std::size_t unit = 0; unit < count; unit += kDropoutBlock) {
    const std::size_t counter = dropout.first_counter + unit / kDropoutBlock * kDropoutCounters;
    for (std::size_t lane = 0; lane < kDropoutCounters; lane += lanes) {
      const Block block = philox_block(dropout, static_cast<std::uint32_t>(counter + lane));
      const std::size_t at = unit + lane;
      keep_by_word(rule, block.w0, at, count, y);
      keep_by_word(rule, block.w1, at + 32, count, y);
      keep_by_word(rule, block.w2, at + 64, count, y);
      keep_by_word(rule, block.w3, at + 96, count, y);
    }
  }
}

#endif

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(relu_dropout);

}  // namespace

void train_relu_dropout(const DropoutRow& dropout, std::size_t count, float* y) {
  assert(count % kTrainLanes == 0);
  NIBBLE_DISPATCH(relu_dropout)(dropout, count, y);
}

}  // namespace nibble
#endif
