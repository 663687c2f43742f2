#include "nibble/measure/statistics.h"

#include <cmath>

#include <gtest/gtest.h>

namespace nibble {
namespace {

// Expected: scipy.stats.binomtest(k, n).proportion_ci(method="wilson"), scipy 1.10.
TEST(WilsonInterval, AgreesWithScipy) {
  struct Case {
    std::size_t successes, trials;
    double low, high;
  };
  for (const Case& expected :
       {Case{0, 10, 0.0, 27.753279986288927}, Case{10, 10, 72.24672001371108, 100.0},
        Case{1454, 1821, 77.94181604230602, 81.62500247476534},
        Case{1, 3, 6.1491944720396265, 79.23403991979524},
        Case{50, 100, 40.38315303659956, 59.61684696340044},
        Case{999999, 1000000, 99.99943350881956, 99.99998234754233}}) {
    const Interval interval = wilson_interval(expected.successes, expected.trials);
    EXPECT_NEAR(interval.low, expected.low, 1e-12 * 100.0) << expected.successes;
    EXPECT_NEAR(interval.high, expected.high, 1e-12 * 100.0) << expected.successes;
  }
}

TEST(WilsonInterval, OfNothingSaysNothing) {
  EXPECT_EQ(wilson_interval(0, 0).low, 0.0);
  EXPECT_EQ(wilson_interval(0, 0).high, 100.0);
}

// Expected: scipy.stats.binomtest(min, n, 0.5).pvalue; for n above 5,000 the same sum in mpmath
// with 30 digits, because scipy itself is right to about 10 digits only there.
TEST(McNemar, AgreesWithTheExactBinomialTest) {
  struct Case {
    std::size_t gained, lost;
    double p;
  };
  for (const Case& expected :
       {Case{0, 0, 1.0}, Case{1, 0, 1.0}, Case{0, 5, 0.0625}, Case{5, 0, 0.0625},
        Case{3, 7, 0.34375}, Case{10, 10, 1.0}, Case{12, 9, 0.6636238098144531},
        Case{31, 64, 0.0009246444117719317}, Case{63, 65, 0.9296139078299844},
        Case{0, 100, 1.5777218104420236e-30}, Case{500, 600, 0.002819544991436429},
        Case{4000, 4500, 6.16603542995958103e-8}, Case{400000, 401000, 0.264328589816048816},
        Case{499000, 501000, 0.0456082998653820864}, Case{500000, 500001, 1.0},
        Case{1000000, 1000000, 1.0}, Case{1000000, 997000, 0.0338204598392038935},
        Case{990000, 1000000, 1.35948246385423734e-12}}) {
    EXPECT_NEAR(mcnemar_p(expected.gained, expected.lost), expected.p, 1e-10 * expected.p)
        << expected.gained << " against " << expected.lost;
  }
}

TEST(McNemar, UnderflowsToZeroNotToNan) { EXPECT_EQ(mcnemar_p(0, 1000000), 0.0); }

TEST(McNemar, IsSymmetricAndAProbabilityForEverySmallCount) {
  for (std::size_t gained = 0; gained < 40; ++gained) {
    for (std::size_t lost = 0; lost < 40; ++lost) {
      const double p = mcnemar_p(gained, lost);
      EXPECT_EQ(p, mcnemar_p(lost, gained));
      EXPECT_GT(p, 0.0);
      EXPECT_LE(p, 1.0);
    }
  }
}

// Expected: numpy.quantile, numpy.mean, numpy.std(ddof=1).
TEST(Quantile, AgreesWithNumpy) {
  const std::vector<double> ascending = {0.5, 1.25, 2, 3.5, 7, 7, 9};
  EXPECT_DOUBLE_EQ(quantile_of_sorted(ascending, 0.0), 0.5);
  EXPECT_DOUBLE_EQ(quantile_of_sorted(ascending, 0.25), 1.625);
  EXPECT_DOUBLE_EQ(quantile_of_sorted(ascending, 0.5), 3.5);
  EXPECT_DOUBLE_EQ(quantile_of_sorted(ascending, 0.9), 7.8);
  EXPECT_DOUBLE_EQ(quantile_of_sorted(ascending, 0.99), 8.88);
  EXPECT_DOUBLE_EQ(quantile_of_sorted(ascending, 1.0), 9.0);
  EXPECT_DOUBLE_EQ(median({9, 0.5, 7, 3.5, 1.25, 7, 2}), 3.5);
  EXPECT_DOUBLE_EQ(median({2, 1}), 1.5);
  EXPECT_DOUBLE_EQ(median({4}), 4.0);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(MeanAndDeviation, AgreeWithNumpy) {
  const std::vector<double> values = {3.5, 1.25, 9, 2, 7, 7, 0.5};
  EXPECT_DOUBLE_EQ(mean(values), 4.321428571428571);
  EXPECT_DOUBLE_EQ(sample_standard_deviation(values), 3.325138736811988);
  EXPECT_EQ(sample_standard_deviation(std::vector<double>{4.0}), 0.0);
  EXPECT_TRUE(std::isnan(mean({})));
}

}  // namespace
}  // namespace nibble
