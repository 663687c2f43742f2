#include "nibble/report/axis.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace nibble {
namespace {

std::vector<std::string> labels_of(const Axis& axis) {
  std::vector<std::string> labels;
  for (const double tick : axis.ticks()) labels.push_back(axis.label(tick));
  return labels;
}

using Labels = std::vector<std::string>;

TEST(Axis, TicksAreRoundAndEncloseTheData) {
  EXPECT_EQ(labels_of(value_axis(0.16, 0.56, 6)),
            (Labels{"0.1", "0.2", "0.3", "0.4", "0.5", "0.6"}));
  EXPECT_EQ(labels_of(value_axis(62.0, 81.1, 6)), (Labels{"60", "65", "70", "75", "80", "85"}));
  EXPECT_EQ(labels_of(value_axis(-0.2, 0.2, 4)), (Labels{"-0.2", "-0.1", "0.0", "0.1", "0.2"}));
  EXPECT_EQ(labels_of(bar_axis(20.28, 4)), (Labels{"0", "10", "20", "30"}));
}

TEST(Axis, AnyDataLieInsideWithAFewTicks) {
  for (const double low : {0.0, -3.0, 1e-9, 0.1, 99.9, 1e12}) {
    for (const double span : {0.0, 1e-12, 1e-3, 0.7, 1.0, 9.99, 1e5}) {
      const Axis axis = value_axis(low, low + span, 6);
      const double rounding = axis.step * 1e-8;
      EXPECT_LE(axis.low, low + rounding) << low << " " << span;
      EXPECT_GE(axis.high, low + span - rounding) << low << " " << span;
      EXPECT_GE(axis.ticks().size(), 2U) << low << " " << span;
      EXPECT_LE(axis.ticks().size(), 10U) << low << " " << span;
    }
  }
}

TEST(Axis, NothingToShowStillGivesAnAxis) {
  EXPECT_EQ(value_axis(0.0, 0.0, 6).ticks().empty(), false);
  EXPECT_EQ(labels_of(value_axis(std::nan(""), 1.0, 6)), (Labels{"0.0", "0.5", "1.0"}));
  EXPECT_EQ(labels_of(bar_axis(0.0, 4)), (Labels{"0.0", "0.5", "1.0"}));
  EXPECT_EQ(labels_of(bar_axis(std::numeric_limits<double>::infinity(), 4)),
            (Labels{"0.0", "0.5", "1.0"}));
}

TEST(Axis, EpochsAreWholeNumbers) {
  EXPECT_EQ(labels_of(epoch_axis(0, 10)), (Labels{"1"}));
  EXPECT_EQ(labels_of(epoch_axis(1, 10)), (Labels{"1"}));
  EXPECT_EQ(labels_of(epoch_axis(2, 10)), (Labels{"1", "2"}));
  EXPECT_EQ(labels_of(epoch_axis(10, 10)).back(), "10");
  EXPECT_EQ(labels_of(epoch_axis(31, 10)), (Labels{"5", "10", "15", "20", "25", "30"}));
  EXPECT_EQ(labels_of(epoch_axis(200, 10)).front(), "20");
}

}  // namespace
}  // namespace nibble
