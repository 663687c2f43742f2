#include "nibble/kernels/ceiling_peaks.h"

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "nibble/kernels/cpu_level.h"

namespace nibble {
namespace {

class CeilingPeaks : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_cpu_level(GetParam()); }
  void TearDown() override { force_cpu_level("auto"); }
};

TEST_P(CeilingPeaks, CountsOperationsInProportionToRounds) {
  for (auto* const run : {run_f32_multiply_adds, run_byte_dots}) {
    const std::size_t one = run(1);
    EXPECT_GT(one, 0U);
    EXPECT_EQ(run(0), 0U);
    EXPECT_EQ(run(1000), 1000 * one);
  }
}

TEST_P(CeilingPeaks, Bf16DotsRunOnlyWhereTheCpuHasThem) {
  const std::size_t one = run_bf16_dots(1);
  EXPECT_EQ(run_bf16_dots(1000), 1000 * one);
  EXPECT_EQ(one > 0, GetParam() == "avx3_bf16");
}

INSTANTIATE_TEST_SUITE_P(EveryLevel, CeilingPeaks, testing::ValuesIn(available_cpu_levels()),
                         [](const auto& level) { return level.param; });

}  // namespace
}  // namespace nibble
