#include "nibble/measure/memory.h"

#include <vector>

#include <gtest/gtest.h>

#include "nibble/measure/timing.h"

namespace nibble {
namespace {

TEST(PeakResidentBytes, GrowsByWhatWasTouchedAndStaysThere) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const std::size_t before = peak_resident_bytes();
  ASSERT_GT(before, 0U);
  {
    const std::vector<char> touched(kBytes, 'x');
    keep(touched.data());  // or Clang leaves the vector out
  }
  EXPECT_GE(peak_resident_bytes(), kBytes);
  EXPECT_GE(peak_resident_bytes(), before);
}

}  // namespace
}  // namespace nibble
