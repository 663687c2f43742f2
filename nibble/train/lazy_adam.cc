#include "nibble/train/lazy_adam.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace nibble {
namespace {

// Beyond this ratio the series falls too slowly to be told from its cut-off tables.
constexpr double kLargestRatio = 0.995;
constexpr double kNothing = 1.2e-38;  // the smallest normal float

struct StepNumbers {
  double rate = 0.0;     // f(j)
  double epsilon = 0.0;  // e(j)
};

StepNumbers numbers(const TrainSettings& s, std::uint64_t step) {
  const auto t = static_cast<double>(step);
  const double root = std::sqrt(1.0 - std::pow(s.beta2, t));
  return {s.learning_rate * root / (1.0 - std::pow(s.beta1, t)), s.epsilon * root};
}

// ratio^0, ratio^1, ... until they are nothing or `limit` entries long.
template <typename T>
std::vector<T> powers(double ratio, std::uint64_t limit) {
  std::vector<T> result;
  for (double power = 1.0; power > kNothing && result.size() <= limit; power *= ratio)
    result.push_back(static_cast<T>(power));
  return result;
}

// The first step from which bias correction is 1 to the last bit.
std::uint64_t settled_step(double beta2, std::uint64_t steps) {
  if (beta2 == 0.0) return std::min<std::uint64_t>(steps, 1);
  const double settled = std::log(std::numeric_limits<double>::epsilon() / 4) / std::log(beta2);
  return static_cast<std::uint64_t>(std::min(settled + 1.0, static_cast<double>(steps)));
}

}  // namespace

AdamStep adam_step(const TrainSettings& settings, std::uint64_t step) {
  const StepNumbers now = numbers(settings, step);
  return {static_cast<float>(settings.beta1), static_cast<float>(1.0 - settings.beta1),
          static_cast<float>(settings.beta2), static_cast<float>(1.0 - settings.beta2),
          static_cast<float>(now.rate),       static_cast<float>(now.epsilon)};
}

LazyAdam::LazyAdam(const TrainSettings& settings, std::uint64_t steps) : settings_(settings) {
  const double beta1 = settings.beta1;
  const double beta2 = settings.beta2;
  keep_m_ = powers<float>(beta1, steps);
  keep_v_ = powers<float>(beta2, steps);
  may_skip_ = beta1 < kLargestRatio * std::pow(beta2, 1.5);
  if (!may_skip_) return;
  const std::uint64_t length = settled_step(std::max(beta1, beta2), steps) + 2;
  rate_ = make_series(beta1 / std::sqrt(beta2), 0, length);
  offset_ = make_series(beta1 / beta2, 1, length);
  square_ = make_series(beta1 / std::pow(beta2, 1.5), 2, length);
}

LazyAdam::Series LazyAdam::make_series(double ratio, int offset_power, std::uint64_t length) const {
  Series series{powers<double>(ratio, length), std::vector<double>(length + 1)};
  const auto term = [&](std::uint64_t step) {
    const StepNumbers n = numbers(settings_, step);
    return n.rate * std::pow(n.epsilon, offset_power);
  };
  // Beyond the table every term is the last one.
  double sum = term(length) / (1.0 - ratio);
  for (std::uint64_t step = length; step >= 1; --step) {
    sum = term(step) + ratio * sum;
    series.sums[step] = sum;
  }
  return series;
}

double LazyAdam::Series::between(std::uint64_t gradient, std::uint64_t first,
                                 std::uint64_t last) const {
  const auto power = [&](std::uint64_t k) { return k < powers.size() ? powers[k] : 0.0; };
  const auto sum = [&](std::uint64_t step) {
    return sums[std::min<std::uint64_t>(step, sums.size() - 1)];
  };
  return power(first - gradient) * (sum(first) - power(last - first + 1) * sum(last + 1));
}

CatchUp LazyAdam::catch_up(std::uint64_t gradient, std::uint64_t first, std::uint64_t last) const {
  assert(gradient <= first && first <= last);
  if (!may_skip_) {
    assert(last == gradient);
    const StepNumbers now = numbers(settings_, last);
    return {static_cast<float>(now.rate), static_cast<float>(now.epsilon), 0.0F};
  }
  const double rate = rate_.between(gradient, first, last);
  if (rate < std::numeric_limits<float>::min()) return {};
  const double epsilon = offset_.between(gradient, first, last) / rate;
  const double variance = square_.between(gradient, first, last) / rate - epsilon * epsilon;
  return {static_cast<float>(rate), static_cast<float>(epsilon),
          static_cast<float>(std::sqrt(std::max(0.0, variance)))};
}

void LazyAdam::append_parts(std::uint64_t gradient, std::uint64_t first, std::uint64_t last,
                            std::vector<CatchUp>& parts) const {
  const CatchUp whole = catch_up(gradient, first, last);
  if (whole.rate == 0.0F) return;
  append_cut(gradient, first, last, kThirdOrder * static_cast<double>(whole.rate), parts);
}

// `most`: what the third order of a part may come to, as a rate.
void LazyAdam::append_cut(std::uint64_t gradient, std::uint64_t first, std::uint64_t last,
                          double most, std::vector<CatchUp>& parts) const {
  const CatchUp part = catch_up(gradient, first, last);
  const double spread = part.epsilon > 0.0F ? static_cast<double>(part.spread / part.epsilon) : 0.0;
  if (first == last || static_cast<double>(part.rate) * spread * spread * spread <= most) {
    parts.push_back(part);
    return;
  }
  // The weights fall like 0.9^k, so the first steps of a span carry most of it: cut there.
  const std::uint64_t middle = first + std::min<std::uint64_t>(last - first, 15) / 4;
  append_cut(gradient, first, middle, most, parts);
  append_cut(gradient, middle + 1, last, most, parts);
}

}  // namespace nibble
