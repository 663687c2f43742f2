#include "nibble/quant/half.h"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace nibble {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::uint32_t kCodes = 65536;

// IEEE 754 binary16, read off its definition.
double f16_by_definition(std::uint32_t code) {
  const double sign = (code & 0x8000) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>(code >> 10 & 31);
  const int fraction = static_cast<int>(code & 1023);
  if (exponent == 31) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(F16, EveryCodeWidensToItsDefinition) {
  for (std::uint32_t code = 0; code < kCodes; ++code) {
    const double expected = f16_by_definition(code);
    const float value = float_from_f16(static_cast<std::uint16_t>(code));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << code;
    } else {
      EXPECT_EQ(value, expected) << code;
      EXPECT_EQ(std::signbit(value), std::signbit(expected)) << code;
    }
  }
}

TEST(F16, EveryCodeComesBack) {
  for (std::uint32_t code = 0; code < kCodes; ++code) {
    const bool nan = (code & 0x7FFF) > 0x7C00;
    const std::uint32_t expected = nan ? code | 0x0200 : code;  // a NaN comes back quiet
    EXPECT_EQ(f16_from_float(float_from_f16(static_cast<std::uint16_t>(code))), expected);
  }
}

// Between two neighbouring codes: the midpoint goes to the even one, a float32 step to either side
// goes to the nearer one. Infinity counts as 65536, the next value there would be.
TEST(F16, RoundsToNearestEvenBetweenAllNeighbours) {
  for (std::uint32_t code = 0; code < 0x7C00; ++code) {
    const double low = f16_by_definition(code);
    const double high = code + 1 == 0x7C00 ? 65536.0 : f16_by_definition(code + 1);
    const auto middle = static_cast<float>((low + high) / 2);
    EXPECT_EQ(f16_from_float(middle), code + (code & 1)) << code;
    EXPECT_EQ(f16_from_float(std::nextafter(middle, 0.0F)), code);
    EXPECT_EQ(f16_from_float(std::nextafter(middle, kInfinity)), code + 1);
    EXPECT_EQ(f16_from_float(-middle), 0x8000 + code + (code & 1));
  }
}

TEST(F16, ExtremeFloats) {
  EXPECT_EQ(f16_from_float(kLargestF16), 0x7BFF);
  EXPECT_EQ(f16_from_float(65536.0F), 0x7C00);
  EXPECT_EQ(f16_from_float(std::numeric_limits<float>::max()), 0x7C00);
  EXPECT_EQ(f16_from_float(-kInfinity), 0xFC00);
  EXPECT_EQ(f16_from_float(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(f16_from_float(-std::numeric_limits<float>::min()), 0x8000);
  EXPECT_EQ(f16_from_float(std::bit_cast<float>(0xFF800001U)), 0xFE00);  // signalling, payload lost
}

TEST(Bf16, EveryCodeComesBackAndIsTheUpperHalf) {
  for (std::uint32_t code = 0; code < kCodes; ++code) {
    const float value = float_from_bf16(static_cast<std::uint16_t>(code));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(value), code << 16);
    const bool nan = (code & 0x7FFF) > 0x7F80;
    EXPECT_EQ(bf16_from_float(value), nan ? code | 0x0040 : code);
  }
}

TEST(Bf16, RoundsToNearestEvenBetweenAllNeighbours) {
  for (std::uint32_t code = 0; code < 0x7F80; ++code) {
    const auto middle = std::bit_cast<float>(code << 16 | 0x8000U);
    EXPECT_EQ(bf16_from_float(middle), code + (code & 1)) << code;
    EXPECT_EQ(bf16_from_float(std::bit_cast<float>(code << 16 | 0x7FFFU)), code);
    EXPECT_EQ(bf16_from_float(std::bit_cast<float>(code << 16 | 0x8001U)), code + 1);
    EXPECT_EQ(bf16_from_float(-middle), 0x8000 + code + (code & 1));
  }
}

TEST(Bf16, ExtremeFloats) {
  EXPECT_EQ(bf16_from_float(kLargestBf16), 0x7F7F);
  EXPECT_EQ(bf16_from_float(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(bf16_from_float(-kInfinity), 0xFF80);
  EXPECT_EQ(bf16_from_float(std::bit_cast<float>(0x7F800001U)), 0x7FC0);
  EXPECT_EQ(bf16_from_float(std::bit_cast<float>(0xFFFFFFFFU)), 0xFFFF);
}

// Odd sizes, so that a vectorised loop meets its remainder.
TEST(Half, MatricesAreTheirElements) {
  for (const std::size_t columns : {0U, 1U, 3U, 31U, 33U, 65U}) {
    Matrix<float> weight(3, columns);
    for (std::size_t i = 0; i < weight.values.size(); ++i)
      weight.values[i] =
          std::sin(static_cast<float>(i)) * std::ldexp(1.0F, static_cast<int>(i % 31) - 25);
    const F16Matrix f16 = encode_f16(weight);
    const Bf16Matrix bf16 = encode_bf16(weight);
    for (std::size_t i = 0; i < weight.values.size(); ++i) {
      EXPECT_EQ(f16.codes.values[i], f16_from_float(weight.values[i]));
      EXPECT_EQ(bf16.codes.values[i], bf16_from_float(weight.values[i]));
      EXPECT_EQ(decode(f16).values[i], float_from_f16(f16.codes.values[i]));
      EXPECT_EQ(decode(bf16).values[i], float_from_bf16(bf16.codes.values[i]));
    }
    EXPECT_EQ(decode(f16).columns, columns);
    EXPECT_EQ(decode(bf16).rows, 3U);
  }
}

}  // namespace
}  // namespace nibble
