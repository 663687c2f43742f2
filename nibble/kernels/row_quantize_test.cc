#include "nibble/kernels/row_quantize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/kernels/kernel_test.h"
#include "nibble/kernels/packed.h"

namespace nibble {
namespace {

// quant/activations.h, said again: this room stands below quant.
RowScale expected_scale(const std::vector<float>& values) {
  float low = 0.0F;
  float high = 0.0F;
  bool whole = true;
  for (const float value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
    whole = whole && std::nearbyint(value) == value;
  }
  const float largest = std::max(-low, high);
  const float highest = low == 0.0F ? 255.0F : 127.0F;
  float scale = whole && largest <= highest ? 1.0F : largest / highest;
  if (std::isinf(1.0F / scale)) scale = 1.0F;
  return {scale, low == 0.0F ? 0 : 128};
}

class RowQuantize : public EveryLevel {
 protected:
  static void check(const std::vector<float>& values) {
    std::vector<float> shifted(values.size() + 1);  // an address that is no multiple of a vector
    std::ranges::copy(values, shifted.begin() + 1);
    std::vector<std::uint8_t> bytes(round_up(values.size(), 64) + 1, 99);
    RowScale row;
    quantize_rows({shifted.data() + 1, 0, 1}, values.size(), bytes.data() + 1, &row);
    const RowScale expected = expected_scale(values);
    ASSERT_EQ(row.scale, expected.scale);
    ASSERT_EQ(row.offset, expected.offset);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float steps = std::nearbyint(values[i] * (1.0F / row.scale));
      ASSERT_EQ(static_cast<float>(bytes[i + 1] - row.offset), steps) << values[i];
    }
    for (std::size_t i = values.size() + 1; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], 0);
  }
};

TEST_P(RowQuantize, EverySize) {
  for (const std::size_t size : awkward_sizes()) {
    std::vector<float> values = draw_floats(size);
    check(values);
    for (float& value : values) value = std::max(0.0F, value);
    check(values);
    for (float& value : values) value = std::nearbyint(value * 50.0F);
    check(values);
  }
  check({});
}

TEST_P(RowQuantize, WholeNumbersKeepTheirValue) {
  std::vector<float> bytes(256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<float>(i);
  check(bytes);
  std::vector<float> words(255);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<float>(i) - 127.0F;
  check(words);
  check({256.0F, 1.0F});
  check({-128.0F, 1.0F});
  check({127.0F, 255.0F, -1.0F});
  check({0.0F, -0.0F});
}

TEST_P(RowQuantize, LimitsOfFloat) {
  for (const float value : {1e-45F, 1e-39F, 1e-36F, 1e-30F, 1e30F, 3e38F}) {
    check({value, value / 2, 0.0F});
    check({value, -value / 3, 0.0F});
  }
}

TEST_P(RowQuantize, TiesGoToEven) {
  // Scale 2 exactly: odd values lie half-way between two codes.
  std::vector<float> values = {510.0F};
  for (int i = 0; i < 255; ++i) values.push_back(static_cast<float>(2 * i + 1));
  check(values);
}

TEST_P(RowQuantize, RowsDoNotMix) {
  for (const std::size_t rows : {1U, 7U, 8U, 9U, 20U}) {
    const std::size_t count = 37;
    const std::size_t stride = 41;
    const std::vector<float> values = draw_floats(rows * stride);
    std::vector<std::uint8_t> bytes(rows * 64);
    std::vector<RowScale> scales(rows);
    quantize_rows({values.data(), stride, rows}, count, bytes.data(), scales.data());
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<std::uint8_t> alone(64);
      RowScale scale;
      quantize_rows({values.data() + r * stride, 0, 1}, count, alone.data(), &scale);
      EXPECT_EQ(scales[r].scale, scale.scale);
      EXPECT_TRUE(std::equal(alone.begin(), alone.end(), bytes.begin() + r * 64));
    }
  }
}

TEST_P(RowQuantize, CallScaleIsFused) {
  for (const std::size_t size : awkward_sizes()) {
    const std::vector<float> values = draw_floats(size);
    const RowScale call{0.0213F, 61};
    std::vector<std::uint8_t> bytes(round_up(size, 64));
    quantize_rows_with(call, {values.data(), 0, 1}, size, bytes.data());
    for (std::size_t i = 0; i < size; ++i) {
      const float steps = std::nearbyint(std::fma(values[i], 1.0F / call.scale, 61.0F));
      ASSERT_EQ(bytes[i], std::clamp(steps, 0.0F, 255.0F));
    }
  }
}

TEST_P(RowQuantize, RangeHoldsZero) {
  for (const std::size_t size : awkward_sizes()) {
    const std::vector<float> values = draw_floats(size);
    const ValueRange range = range_with_zero(values.data(), size);
    EXPECT_EQ(range.low, std::min(0.0F, *std::ranges::min_element(values)));
    EXPECT_EQ(range.high, std::max(0.0F, *std::ranges::max_element(values)));
  }
}

TEST_P(RowQuantize, FindsNonZeros) {
  for (const std::size_t size : awkward_sizes()) {
    for (const int every : {1, 2, 7, 100}) {
      std::vector<float> row = draw_floats(size);
      for (std::size_t i = 0; i < size; ++i) {
        if (i % every != 0) row[i] = i % 2 == 0 ? 0.0F : -0.0F;
      }
      const std::size_t expected = (size + every - 1) / every;
      std::vector<std::uint32_t> columns(size + kNonZeroSlack);
      std::vector<float> values(size + kNonZeroSlack);
      const std::size_t found =
          find_non_zeros(row.data(), size, size, columns.data(), values.data());
      ASSERT_EQ(found, expected);
      for (std::size_t i = 0; i < found; ++i) {
        EXPECT_EQ(columns[i], i * every);
        EXPECT_EQ(values[i], row[i * every]);
      }
      const std::size_t limit = expected - 1;
      EXPECT_GT(find_non_zeros(row.data(), size, limit, columns.data(), values.data()), limit);
    }
  }
}

NIBBLE_ON_EVERY_LEVEL(RowQuantize);

}  // namespace
}  // namespace nibble
