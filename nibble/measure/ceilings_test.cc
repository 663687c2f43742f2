#include "nibble/measure/ceilings.h"

#include <gtest/gtest.h>

#include "nibble/kernels/cpu_level.h"

namespace nibble {
namespace {

void expect_all_positive(const Ceilings& ceilings) {
  EXPECT_GT(ceilings.f32_gflops, 0.0);
  EXPECT_GT(ceilings.byte_dot_gops, 0.0);
  EXPECT_EQ(ceilings.bf16_gflops > 0.0, bf16_dots_in_use());
  EXPECT_GT(ceilings.l1_gb_per_second, 0.0);
  EXPECT_GT(ceilings.l2_gb_per_second, 0.0);
  EXPECT_GT(ceilings.l3_gb_per_second, 0.0);
  EXPECT_GT(ceilings.dram_gb_per_second, 0.0);
}

TEST(CacheSizes, Grow) {
  const CacheSizes sizes = cache_sizes();
  EXPECT_GE(sizes.l1, 1024U);
  EXPECT_GT(sizes.l2, sizes.l1);
  EXPECT_GE(sizes.l3, sizes.l2);
}

TEST(MeasureCeilings, FindsEveryFigureForOneThreadAndForSeveral) {
  const MachineCeilings ceilings = measure_ceilings(0.001, 2);
  EXPECT_EQ(ceilings.threads, 2U);
  expect_all_positive(ceilings.one_thread);
  expect_all_positive(ceilings.all_threads);
}

TEST(MeasureCeilings, OfOneThreadAreMeasuredOnce) {
  const MachineCeilings ceilings = measure_ceilings(0.001, 1);
  EXPECT_EQ(ceilings.all_threads.f32_gflops, ceilings.one_thread.f32_gflops);
}

}  // namespace
}  // namespace nibble
