#include "nibble/quant/code_kind.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/quant/binary_code.h"
#include "nibble/quant/fp8.h"
#include "nibble/quant/integer_code.h"
#include "nibble/quant/nf4.h"

namespace nibble {
namespace {

constexpr std::size_t code_count(CodeKind kind) {
  switch (kind) {
    case CodeKind::kBinary:
      return 2;
    case CodeKind::kTernary:
      return 3;
    case CodeKind::kNf4:
      return 16;
    case CodeKind::kFp8:
      return 256;
    default:
      return std::size_t{1} << (static_cast<unsigned>(kind) - 2 + 2);
  }
}

TEST(CodeKind, EveryNameLeadsBackToItsKind) {
  for (const CodeKind kind : kCodeKinds) EXPECT_EQ(code_kind_named(name_of(kind)), kind);
  EXPECT_FALSE(code_kind_named("int9"));
  EXPECT_FALSE(code_kind_named(""));
}

// All codes of each kind, at every place of a byte and at lengths around whole bytes.
TEST(CodeKind, EveryCodeComesBackFromItsBits) {
  for (const CodeKind kind : kCodeKinds) {
    const std::size_t codes = code_count(kind);
    for (const std::size_t length : {0U, 1U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 31U, 33U, 1000U}) {
      for (std::size_t shift = 0; shift < codes; ++shift) {
        std::vector<std::uint8_t> values(length);
        for (std::size_t i = 0; i < length; ++i)
          values[i] = static_cast<std::uint8_t>((i + shift) % codes);
        const auto bytes = pack_codes(kind, values);
        ASSERT_EQ(bytes.size(), packed_bytes(kind, length));
        const auto back = unpack_codes(kind, bytes, length);
        ASSERT_TRUE(std::equal(back.begin(), back.end(), values.begin(), values.end()))
            << name_of(kind) << " " << length;
      }
    }
  }
}

TEST(CodeKind, BytesAreTheStatedBitsRoundedUp) {
  for (const CodeKind kind : kCodeKinds) {
    for (const std::size_t count : {0U, 1U, 2U, 5U, 7U, 8U, 40U, 5001U}) {
      EXPECT_EQ(static_cast<double>(packed_bytes(kind, count)),
                std::ceil(static_cast<double>(count) * bits_per_code(kind) / 8.0 - 1e-9))
          << name_of(kind) << " " << count;
    }
  }
}

template <typename Code>
void expect_levels_come_back(const Code& code, std::size_t codes) {
  for (std::size_t c = 0; c < codes; ++c) {
    const float level = code.level_of(static_cast<std::uint8_t>(c));
    EXPECT_EQ(code.nearest(level), level) << c;
    EXPECT_EQ(code.code_of(level), c) << level;
  }
}

// Every float of a fine grid goes to the level that a search over all levels finds.
template <typename Code>
void expect_nearest(const Code& code, std::size_t codes, float bound) {
  for (int i = -20000; i <= 20000; ++i) {
    const float x = bound * static_cast<float>(i) / 20000.0F;
    float least = std::numeric_limits<float>::infinity();
    for (std::size_t c = 0; c < codes; ++c)
      least = std::min(least, std::fabs(x - code.level_of(static_cast<std::uint8_t>(c))));
    ASSERT_LE(std::fabs(x - code.nearest(x)), least * (1.0F + 1e-6F)) << x;
  }
}

TEST(IntegerCode, LevelsComeBackAndValuesGoToTheNearest) {
  for (const unsigned bits : {2U, 3U, 4U, 5U, 6U, 7U, 8U}) {
    expect_levels_come_back(symmetric_code(bits), std::size_t{1} << bits);
    expect_nearest(symmetric_code(bits), std::size_t{1} << bits, 150.0F);
    for (int zero = 0; zero < 1 << bits; ++zero)
      expect_levels_come_back(asymmetric_code(bits, zero), std::size_t{1} << bits);
  }
  expect_levels_come_back(ternary_code(), 3);
  expect_nearest(ternary_code(), 3, 2.0F);
}

TEST(BinaryCode, LevelsComeBackAndValuesGoToTheNearest) {
  expect_levels_come_back(BinaryCode(), 2);
  expect_nearest(BinaryCode(), 2, 3.0F);
}

TEST(Nf4, LevelsComeBackAndValuesGoToTheNearest) {
  expect_levels_come_back(Nf4Code(), 16);
  expect_nearest(Nf4Code(), 16, 1.2F);
}

// The standard's formula in plain arithmetic: (-1)^s 2^(e-7) (1 + f/8), or 2^-6 f/8 for e = 0.
double e4m3(unsigned code) {
  const double sign = (code & 0x80U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>(code >> 3 & 15U);
  const double fraction = (code & 7U) / 8.0;
  return sign *
         (exponent == 0 ? std::ldexp(fraction, -6) : std::ldexp(1.0 + fraction, exponent - 7));
}

TEST(Fp8, EveryCodeIsTheStandardsNumberAndComesBack) {
  const Fp8Code code;
  for (unsigned c = 0; c < 256; ++c) {
    if (is_fp8_nan(static_cast<std::uint8_t>(c))) continue;
    const float level = code.level_of(static_cast<std::uint8_t>(c));
    EXPECT_EQ(static_cast<double>(level), e4m3(c)) << c;
    EXPECT_EQ(code.nearest(level), level) << c;
    EXPECT_EQ(code.code_of(level), c) << c;
  }
  EXPECT_EQ(code.level_of(0x7E), 448.0F);
}

// Halfway between neighbouring codes: to the even one. Just off it: to the nearer one.
TEST(Fp8, RoundsToNearestWithTiesToEvenAndStaysAtTheLargest) {
  const Fp8Code code;
  for (unsigned c = 0; c < 0x7E; ++c) {
    const auto low = static_cast<float>(e4m3(c));
    const auto high = static_cast<float>(e4m3(c + 1));
    const float middle = 0.5F * (low + high);
    EXPECT_EQ(code.nearest(middle), c % 2 == 0 ? low : high) << c;
    EXPECT_EQ(code.nearest(std::nextafter(middle, 0.0F)), low) << c;
    EXPECT_EQ(code.nearest(std::nextafter(middle, 1000.0F)), high) << c;
    EXPECT_EQ(code.nearest(-middle), c % 2 == 0 ? -low : -high) << c;
  }
  EXPECT_EQ(code.nearest(449.0F), 448.0F);
  EXPECT_EQ(code.nearest(-1e30F), -448.0F);
}

}  // namespace
}  // namespace nibble
