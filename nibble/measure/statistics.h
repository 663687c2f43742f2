// The few statistics a fair comparison of classifiers and of timings needs.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace nibble {

// A 95 % Wilson score interval, per cent.
struct Interval {
  double low = 0.0;
  double high = 0.0;
};

// Of the share of `successes` among `trials`. Source: Wilson, "Probable inference, the law of
// succession, and statistical inference", JASA 22 (1927). No trials say nothing: 0 to 100.
Interval wilson_interval(std::size_t successes, std::size_t trials);

// Exact two-sided McNemar test: were `gained` against `lost` a fair coin's throws? p = min(1, 2 P(X
// <= min)), X binomial(gained + lost, 1/2). 1 when both are 0. Takes time proportional to the
// smaller count.
double mcnemar_p(std::size_t gained, std::size_t lost);

// The q-quantile of ascending values, 0 <= q <= 1: linear between neighbours at position (n - 1) q,
// numpy's default. NaN for no values.
double quantile_of_sorted(std::span<const double> ascending, double q);
// Sorts a copy.
double median(std::vector<double> values);

// NaN for no values.
double mean(std::span<const double> values);
// With n - 1 below the sum of squares; 0 for fewer than two values.
double sample_standard_deviation(std::span<const double> values);

}  // namespace nibble
