#include "nibble/core/thousands.h"

#include <limits>

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(WithThousands, PutsACommaBeforeEveryThreeDigits) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(999'999), "999,999");
  EXPECT_EQ(with_thousands(5'293'122), "5,293,122");
  EXPECT_EQ(with_thousands(std::numeric_limits<std::size_t>::max()), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace nibble
