#include "nibble/kernels/cpu_targets.h"

#include <gtest/gtest.h>

#include "hwy/highway.h"

namespace nibble {
namespace {

// Highway's own library, which the tests alone are linked with, looks at the CPU in its own way.
TEST(CpuTargets, AreThoseThatHighwayFinds) {
#if HWY_ARCH_X86
  constexpr std::int64_t kKnown = HWY_SSSE3 | HWY_SSE4 | HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL;
  EXPECT_EQ(supported_targets(), hwy::SupportedTargets() & kKnown);
#else
  EXPECT_EQ(supported_targets(), 0);
#endif
}

}  // namespace
}  // namespace nibble
