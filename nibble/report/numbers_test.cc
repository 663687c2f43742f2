#include "nibble/report/numbers.h"

#include <limits>

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(Numbers, Prefixes) {
  EXPECT_EQ(with_prefix(0.0), "0");
  EXPECT_EQ(with_prefix(999.4), "999");
  EXPECT_EQ(with_prefix(999.6), "1.00 k");
  EXPECT_EQ(with_prefix(9996.0), "10.0 k");
  EXPECT_EQ(with_prefix(85'320.0), "85.3 k");
  EXPECT_EQ(with_prefix(999'499.0), "999 k");
  EXPECT_EQ(with_prefix(999'600.0), "1.00 M");
  EXPECT_EQ(with_prefix(2'081'234.0), "2.08 M");
  EXPECT_EQ(with_prefix(3.2e9), "3.20 G");
}

TEST(Numbers, PValues) {
  EXPECT_EQ(p_value_text(1.0), "1.000");
  EXPECT_EQ(p_value_text(0.34375), "0.344");
  EXPECT_EQ(p_value_text(0.001), "0.001");
  EXPECT_EQ(p_value_text(0.00099), "<0.001");
  EXPECT_EQ(p_value_text(0.0), "<0.001");
}

TEST(Numbers, DecimalsFollowTheSmallestValue) {
  EXPECT_EQ(decimals_for({}), 2);
  EXPECT_EQ(decimals_for({0.0}), 2);
  EXPECT_EQ(decimals_for({0.00346, 0.00106}), 5);
  EXPECT_EQ(decimals_for({0.00346, 0.00087}), 6);
  EXPECT_EQ(decimals_for({1.0}), 2);
  EXPECT_EQ(decimals_for({12.0, 150.0}), 1);
  EXPECT_EQ(decimals_for({150.0}), 0);
  EXPECT_EQ(decimals_for({1500.0}), 0);
  EXPECT_EQ(decimals_for({1e-12}), 6);
}

TEST(Numbers, Megabytes) {
  EXPECT_EQ(megabytes_text(0.0), "0.000");
  EXPECT_EQ(megabytes_text(1024.0 * 1024.0), "1.00");
  EXPECT_EQ(megabytes_text(50'000.0), "0.048");
  EXPECT_EQ(megabytes_text(21'260'203.0), "20.28");
}

TEST(Numbers, WidthCountsCodePoints) {
  EXPECT_EQ(display_width(""), 0U);
  EXPECT_EQ(display_width("80.24 ± 0.45"), 12U);
  EXPECT_EQ(display_width("78.1–81.8"), 9U);
  EXPECT_EQ(display_width("µs"), 2U);
}

TEST(Numbers, SpreadOfOneValueHasNoDeviation) {
  EXPECT_EQ(spread_of({80.0}).mean, 80.0);
  EXPECT_EQ(spread_of({80.0}).deviation, 0.0);
  EXPECT_DOUBLE_EQ(spread_of({1.0, 2.0, 3.0}).mean, 2.0);
  EXPECT_DOUBLE_EQ(spread_of({1.0, 2.0, 3.0}).deviation, 1.0);
}

}  // namespace
}  // namespace nibble
