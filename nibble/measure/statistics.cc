#include "nibble/measure/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

namespace nibble {
namespace {

constexpr double kZ95 = 1.959963984540054;  // the normal distribution's 97.5 % quantile

// log of P(X = k), X binomial(n, 1/2). A sum of logarithms in long double rather than lgamma, whose
// absolute error near 1e7 would cost p eight digits.
long double log_fair_probability(std::size_t k, std::size_t n) {
  long double sum = -static_cast<long double>(n) * std::log(2.0L);
  for (std::size_t i = 1; i <= k; ++i) {
    sum += std::log(static_cast<long double>(n - k + i) / static_cast<long double>(i));
  }
  return sum;
}

// P(X <= k) / P(X = k): 1 + k/(n-k+1) (1 + (k-1)/(n-k+2) (1 + ...)), cut where a term no longer
// counts. Terms shrink from the first because k <= n/2.
long double lower_tail_in_units_of_last(std::size_t k, std::size_t n) {
  long double sum = 1.0L;
  long double term = 1.0L;
  for (std::size_t i = k; i > 0 && term > 1e-22L * sum; --i) {
    term *= static_cast<long double>(i) / static_cast<long double>(n - i + 1);
    sum += term;
  }
  return sum;
}

}  // namespace

Interval wilson_interval(std::size_t successes, std::size_t trials) {
  assert(successes <= trials);
  if (trials == 0) return {0.0, 100.0};
  const auto n = static_cast<double>(trials);
  const double share = static_cast<double>(successes) / n;
  const double z2 = kZ95 * kZ95;
  const double shrink = 1.0 + z2 / n;
  const double centre = (share + z2 / (2.0 * n)) / shrink;
  const double half = kZ95 * std::sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n)) / shrink;
  return {100.0 * std::max(0.0, centre - half), 100.0 * std::min(1.0, centre + half)};
}

double mcnemar_p(std::size_t gained, std::size_t lost) {
  const std::size_t n = gained + lost;
  const std::size_t k = std::min(gained, lost);
  if (gained == lost) return 1.0;
  const long double log_p =
      std::log(2.0L) + log_fair_probability(k, n) + std::log(lower_tail_in_units_of_last(k, n));
  return std::min(1.0, static_cast<double>(std::exp(log_p)));
}

double quantile_of_sorted(std::span<const double> ascending, double q) {
  assert(q >= 0.0 && q <= 1.0);
  if (ascending.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], position - static_cast<double>(below));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return quantile_of_sorted(values, 0.5);
}

double mean(std::span<const double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double sample_standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return 0.0;
  const double centre = mean(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace nibble
