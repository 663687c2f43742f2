#include "nibble/kernels/ceiling_peaks.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "nibble/kernels/cpu_level.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/ceiling_peaks.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"

// Two units with a latency of up to five cycles need ten independent sums; twelve leave the sixteen
// registers of AVX2 room for the operands. Named variables, because GCC 12 spills arrays of them.
#ifndef NIBBLE_FOR_12_SUMS
#define NIBBLE_FOR_12_SUMS(STEP) \
  STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11)
#endif

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// NOLINTNEXTLINE(misc-unused-alias-decls): used at some levels
namespace hn = hwy::HWY_NAMESPACE;
[[maybe_unused]] constexpr std::size_t kSums = 12;

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// As wide as the compiler makes plain loops: that is what the scalar level's kernels are.
constexpr std::size_t kLanes = 48;

// The compiler must believe that somebody reads the result.
template <typename T>
void consume(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

std::size_t f32_multiply_adds(std::size_t rounds) {
  std::array<float, kLanes> sums{};
  volatile float one = 1.0F;
  const float factor = one;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (float& sum : sums) sum = sum * factor + factor;
  }
  consume(sums);
  return rounds * kLanes * 2;
}

std::size_t byte_dots(std::size_t rounds) {
  std::array<std::int32_t, kLanes> sums{};
  std::array<std::uint8_t, kLanes> left{};
  std::array<std::int8_t, kLanes> right{};
  for (std::size_t round = 0; round < rounds; ++round) {
    asm volatile("" : "+m"(left), "+m"(right));  // else the products move out of the loop
    for (std::size_t i = 0; i < kLanes; ++i) sums[i] += left[i] * right[i];
  }
  consume(sums);
  return rounds * kLanes * 2;
}

#else

// Says that the register is read and written here. Then equal sums are not merged into one, and
// none is dropped. In a register, because GCC 12 spills what an address was taken of.
template <typename V>
HWY_INLINE void pin(V& v) {
  asm volatile("" : "+x"(v.raw));
}

std::size_t f32_multiply_adds(std::size_t rounds) {
  const hn::ScalableTag<float> d;
  volatile float one = 1.0F;
  const auto factor = hn::Set(d, one);
#define NIBBLE_STEP(i)       \
  auto sum##i = hn::Zero(d); \
  pin(sum##i);
  NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  for (std::size_t round = 0; round < rounds; ++round) {
#define NIBBLE_STEP(i) sum##i = hn::MulAdd(sum##i, factor, factor);
    NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  }
#define NIBBLE_STEP(i) pin(sum##i);
  NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  return rounds * kSums * hn::Lanes(d) * 2;
}

// sum += dot products of four neighbouring bytes, left unsigned, right signed. Volatile, so that
// equal products are not computed once.
template <typename V>
HWY_INLINE void add_byte_dots(V& sum, const V& left, const V& right,
                              [[maybe_unused]] const V& ones) {
#if HWY_TARGET == HWY_AVX3_DL
  asm volatile("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(left.raw), "v"(right.raw));
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  V products;
  asm volatile("vpmaddubsw %2, %1, %0" : "=x"(products.raw) : "x"(left.raw), "x"(right.raw));
  asm volatile("vpmaddwd %1, %0, %0" : "+x"(products.raw) : "x"(ones.raw));
  sum = hn::Add(sum, products);
#else
  V products = left;
  asm volatile("pmaddubsw %1, %0" : "+x"(products.raw) : "x"(right.raw));
  asm volatile("pmaddwd %1, %0" : "+x"(products.raw) : "x"(ones.raw));
  sum = hn::Add(sum, products);
#endif
}

std::size_t byte_dots(std::size_t rounds) {
  const hn::ScalableTag<std::int32_t> d;
  const auto left = hn::Set(d, 0x01020304);
  const auto ones = hn::Set(d, 0x00010001);
#define NIBBLE_STEP(i)       \
  auto sum##i = hn::Zero(d); \
  pin(sum##i);
  NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  for (std::size_t round = 0; round < rounds; ++round) {
#define NIBBLE_STEP(i) add_byte_dots(sum##i, left, left, ones);
    NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  }
#define NIBBLE_STEP(i) pin(sum##i);
  NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  return rounds * kSums * hn::Lanes(d) * 4 * 2;
}

#endif

#if HWY_TARGET == HWY_AVX3_DL

std::size_t bf16_dots(std::size_t rounds) {
  const hn::ScalableTag<float> d;
  const auto operand = hn::Zero(d);
#define NIBBLE_STEP(i)       \
  auto sum##i = hn::Zero(d); \
  pin(sum##i);
  NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  for (std::size_t round = 0; round < rounds; ++round) {
#define NIBBLE_STEP(i) asm volatile("vdpbf16ps %1, %1, %0" : "+v"(sum##i.raw) : "v"(operand.raw));
    NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  }
#define NIBBLE_STEP(i) pin(sum##i);
  NIBBLE_FOR_12_SUMS(NIBBLE_STEP)
#undef NIBBLE_STEP
  return rounds * kSums * hn::Lanes(d) * 2 * 2;
}

#else

std::size_t bf16_dots(std::size_t /*rounds*/) { return 0; }

#endif

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(f32_multiply_adds);
NIBBLE_EXPORT(byte_dots);
NIBBLE_EXPORT(bf16_dots);

}  // namespace

std::size_t run_f32_multiply_adds(std::size_t rounds) {
  return NIBBLE_DISPATCH(f32_multiply_adds)(rounds);
}

std::size_t run_byte_dots(std::size_t rounds) { return NIBBLE_DISPATCH(byte_dots)(rounds); }

std::size_t run_bf16_dots(std::size_t rounds) {
  if (!bf16_dots_in_use()) return 0;
  return NIBBLE_DISPATCH(bf16_dots)(rounds);
}

}  // namespace nibble
#endif  // HWY_ONCE
