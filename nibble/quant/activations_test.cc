#include "nibble/quant/activations.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

using Values = std::vector<float>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

std::vector<std::int32_t> quantized(const Values& values) {
  const RowQuantization row = choose_row_quantization(values);
  std::vector<std::int32_t> integers;
  for (const float value : values) integers.push_back(quantize_value(value, row));
  return integers;
}

TEST(RowQuantization, WholeNumbersAreExact) {
  EXPECT_EQ(choose_row_quantization(Values{0, 1, 255}), (RowQuantization{1, 1, 0, 255}));
  EXPECT_EQ(choose_row_quantization(Values{-127, 0, 127}), (RowQuantization{1, 1, -127, 127}));
  for (int i = 0; i <= 255; ++i)
    EXPECT_EQ(quantized({255, static_cast<float>(i)}), (std::vector<std::int32_t>{255, i}));
  for (int i = -127; i <= 127; ++i)
    EXPECT_EQ(quantized({-127, static_cast<float>(i)}), (std::vector<std::int32_t>{-127, i}));
}

TEST(RowQuantization, NoRowAndZerosHaveScaleOne) {
  EXPECT_EQ(choose_row_quantization(Values{}), RowQuantization{});
  EXPECT_EQ(choose_row_quantization(Values{0, -0.0F, 0}), RowQuantization{});
}

TEST(RowQuantization, NonNegativeRowsUse255Steps) {
  EXPECT_EQ(choose_row_quantization(Values{0, 0.5F, 2}),
            (RowQuantization{2.0F / 255.0F, 1.0F / (2.0F / 255.0F), 0, 255}));
  EXPECT_EQ(quantized({0, 0.5F, 2}), (std::vector<std::int32_t>{0, 64, 255}));
  EXPECT_EQ(quantized({0, 1, 510}), (std::vector<std::int32_t>{0, 0, 255}));  // whole, too large
  EXPECT_EQ(quantized({3, 510}), (std::vector<std::int32_t>{2, 255}));        // 1.5, to even
}

TEST(RowQuantization, OtherRowsUse127StepsToEitherSide) {
  EXPECT_EQ(quantized({-0.5F, 2}), (std::vector<std::int32_t>{-32, 127}));
  EXPECT_EQ(quantized({-254, 3, 200}), (std::vector<std::int32_t>{-127, 2, 100}));
  EXPECT_EQ(quantized({-128, 0}), (std::vector<std::int32_t>{-127, 0}));
}

TEST(RowQuantization, ExtremeRows) {
  EXPECT_EQ(quantized({0.5F, kLargest}), (std::vector<std::int32_t>{0, 255}));
  EXPECT_EQ(quantized({-kLargest, kLargest}), (std::vector<std::int32_t>{-127, 127}));
  EXPECT_EQ(quantized({kSmallest, 1e-37F}), (std::vector<std::int32_t>{0, 0}));
  EXPECT_EQ(choose_row_quantization(Values{-kSmallest, kSmallest}).scale, 1.0F);
  EXPECT_EQ(quantized({0.25F, 1e-35F}), (std::vector<std::int32_t>{255, 0}));
}

struct CallCase {
  float low;
  float high;
  float scale;
  std::int32_t zero_point;
};

// Printed by PyTorch 1.13: torch._choose_qparams_per_tensor(x, reduce_range=True).
constexpr CallCase kCallCases[] = {
    {0.0F, 6.0F, 0x1.83060cp-5F, 0},       {0.0F, 1.0F, 0x1.020408p-7F, 0},
    {0.0F, 0.0F, 0x1.99999ap-4F, 0},      // no range: 0.1
    {0.0F, 1e-40F, 0x1.99999ap-4F, 0},    // its reciprocal would be infinite: 0.1
    {0.0F, 1e-3F, 0x1.ffb48p-15F, 0},     // below 6.1e-5: stretched
    {-1e-3F, 0.0F, 0x1.ffb48p-15F, 127},  // likewise
    {-1e-3F, 2e-3F, 0x1.ffb48p-15F, 42},  // likewise
    {-1e-30F, 1e-30F, 0x1.ffb48p-15F, 63}, {-1.0F, 1.0F, 0x1.020408p-6F, 64},
    {-3.0F, 1.0F, 0x1.020408p-5F, 95},     {-1.0F, 3.0F, 0x1.020408p-5F, 32},
    {-5.0F, 0.0F, 0x1.42850ap-5F, 127},    {2.0F, 5.0F, 0x1.42850ap-5F, 0},
    {-0.7F, 1.9F, 0x1.4f6ba4p-6F, 34},     {-2.5F, 4.75F, 0x1.d3a74ep-5F, 44},
    {-0.1F, 7.3F, 0x1.dd5442p-5F, 2},      {0.0F, 3e38F, 0x1.c6f1bp+120F, 0},
};

TEST(CallQuantization, MatchesPyTorch) {
  for (const CallCase& c : kCallCases) {
    const CallQuantization call = choose_call_quantization(c.low, c.high);
    EXPECT_EQ(call.scale, c.scale) << c.low << " " << c.high;
    EXPECT_EQ(call.zero_point, c.zero_point) << c.low << " " << c.high;
  }
}

TEST(CallQuantization, InfiniteAndNanAreErrors) {
  EXPECT_THROW(choose_call_quantization(0.0F, kInfinity), Error);
  EXPECT_THROW(choose_call_quantization(-kInfinity, 0.0F), Error);
  EXPECT_THROW(choose_call_quantization(0.0F, std::numeric_limits<float>::quiet_NaN()), Error);
}

TEST(CallQuantization, LooksAtAllRows) {
  SparseRows sparse;
  sparse.columns = 9;
  for (const float value : {9.0F, -1.0F, 3.0F}) {
    sparse.indices.push_back(4);
    sparse.values.push_back(value);
    sparse.end_row();
  }
  EXPECT_EQ(choose_call_quantization(sparse.view()), choose_call_quantization(-1.0F, 9.0F));
  EXPECT_EQ(choose_call_quantization(sparse.view().slice(1, 2)),
            choose_call_quantization(-1.0F, 3.0F));
  EXPECT_EQ(choose_call_quantization(SparseRows{}.view()), choose_call_quantization(0.0F, 0.0F));
  EXPECT_EQ(choose_call_quantization(DenseRowsView{}), choose_call_quantization(0.0F, 0.0F));
}

TEST(CallQuantization, RoundsAfterAddingTheZeroPointAndClamps) {
  const CallQuantization call{1.0F, 3};
  EXPECT_EQ(quantize_value(0.0F, call), 3);
  EXPECT_EQ(quantize_value(0.5F, call), 4);  // 3.5, to even
  EXPECT_EQ(quantize_value(1.5F, call), 4);  // 4.5, to even
  EXPECT_EQ(quantize_value(-5.0F, call), 0);
  EXPECT_EQ(quantize_value(300.0F, call), 255);
}

}  // namespace
}  // namespace nibble
