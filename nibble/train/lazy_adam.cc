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

StepNumbers numbers(const TrainSettings& s, const Schedule& schedule, std::uint64_t step) {
  const auto t = static_cast<double>(step);
  const double root = std::sqrt(1.0 - std::pow(s.beta2, t));
  return {schedule.rate(step) * root / (1.0 - std::pow(s.beta1, t)), s.epsilon * root};
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

double decay_of_adamw(const TrainSettings& settings) {
  return settings.optimizer == Optimizer::kAdamW ? settings.weight_decay : 0.0;
}

}  // namespace

AdamStep adam_step(const TrainSettings& settings, const Schedule& schedule, std::uint64_t step) {
  const StepNumbers now = numbers(settings, schedule, step);
  return {static_cast<float>(settings.beta1),
          static_cast<float>(1.0 - settings.beta1),
          static_cast<float>(settings.beta2),
          static_cast<float>(1.0 - settings.beta2),
          static_cast<float>(now.rate),
          static_cast<float>(now.epsilon),
          static_cast<float>(schedule.rate(step) * decay_of_adamw(settings))};
}

LazyAdam::LazyAdam(const TrainSettings& settings, std::uint64_t steps)
    : settings_(settings),
      schedule_(settings, steps),
      weight_decay_(decay_of_adamw(settings)),
      plain_(weight_decay_ == 0.0 && schedule_.settled() <= 1) {
  const double beta1 = settings.beta1;
  const double beta2 = settings.beta2;
  keep_m_ = powers<float>(beta1, steps);
  keep_v_ = powers<float>(beta2, steps);
  const double least_kept = 1.0 - settings.learning_rate * weight_decay_;
  may_skip_ = beta1 < kLargestRatio * std::pow(beta2, 1.5) * least_kept;
  if (!may_skip_) return;
  const std::uint64_t length =
      std::max(settled_step(std::max(beta1, beta2), steps), schedule_.settled()) + 2;
  if (weight_decay_ > 0.0) make_decays(length);
  rate_ = make_series(beta1 / std::sqrt(beta2), 0, length);
  offset_ = make_series(beta1 / beta2, 1, length);
  square_ = make_series(beta1 / std::pow(beta2, 1.5), 2, length);
}

void LazyAdam::make_decays(std::uint64_t length) {
  log_decays_.resize(length + 1);
  for (std::uint64_t step = 1; step <= length; ++step)
    log_decays_[step] = log_decays_[step - 1] + std::log1p(-decay(step));
}

// log D(first, last); 0 when last < first.
double LazyAdam::log_decay(std::uint64_t first, std::uint64_t last) const {
  const std::uint64_t end = log_decays_.size() - 1;
  const auto sum = [&](std::uint64_t step) {
    if (step <= end) return log_decays_[step];
    return log_decays_[end] + static_cast<double>(step - end) * std::log1p(-decay(step));
  };
  return sum(last) - sum(first - 1);
}

LazyAdam::Series LazyAdam::make_series(double ratio, int offset_power, std::uint64_t length) const {
  Series series{powers<double>(ratio, length), std::vector<double>(length + 1)};
  const auto term = [&](std::uint64_t step) {
    const StepNumbers n = numbers(settings_, schedule_, step);
    return n.rate * std::pow(n.epsilon, offset_power);
  };
  const auto kept = [&](std::uint64_t step) { return ratio / (1.0 - decay(step)); };
  // Beyond the table every term is the last one.
  double sum = term(length) / (1.0 - kept(length));
  for (std::uint64_t step = length; step >= 1; --step) {
    sum = term(step) + kept(step + 1) * sum;
    series.sums[step] = sum;
  }
  return series;
}

double LazyAdam::between(const Series& series, std::uint64_t gradient, std::uint64_t first,
                         std::uint64_t last) const {
  double scale = series.power(first - gradient);
  double rest = series.power(last - first + 1);
  if (!log_decays_.empty() && rest > 0.0) rest *= std::exp(-log_decay(first + 1, last + 1));
  if (!log_decays_.empty()) scale *= std::exp(log_decay(first + 1, last));
  return scale * (series.sum(first) - rest * series.sum(last + 1));
}

CatchUp LazyAdam::catch_up(std::uint64_t gradient, std::uint64_t first, std::uint64_t last) const {
  assert(gradient <= first && first <= last);
  assert(may_skip_ || first == last);
  CatchUp result;
  if (gradient > 0)
    result = may_skip_ && (plain_ || first < last) ? span(gradient, first, last)
                                                   : single(gradient, first);
  if (weight_decay_ == 0.0) return result;
  const double decayed = log_decays_.empty() ? std::log1p(-decay(first)) : log_decay(first, last);
  result.fall = static_cast<float>(-std::expm1(decayed));
  if (result.rate == 0.0F) result.epsilon = 1.0F;  // any number that may divide
  return result;
}

CatchUp LazyAdam::single(std::uint64_t gradient, std::uint64_t step) const {
  const StepNumbers now = numbers(settings_, schedule_, step);
  const auto skipped = static_cast<double>(step - gradient);
  const double root = std::pow(settings_.beta2, skipped / 2);
  const double rate = now.rate * std::pow(settings_.beta1, skipped) / root;
  if (!(rate >= std::numeric_limits<float>::min())) return {};
  return {static_cast<float>(rate), static_cast<float>(now.epsilon / root)};
}

CatchUp LazyAdam::span(std::uint64_t gradient, std::uint64_t first, std::uint64_t last) const {
  const double rate = between(rate_, gradient, first, last);
  if (rate < std::numeric_limits<float>::min()) return {};
  const double epsilon = between(offset_, gradient, first, last) / rate;
  const double variance = between(square_, gradient, first, last) / rate - epsilon * epsilon;
  return {static_cast<float>(rate), static_cast<float>(epsilon),
          static_cast<float>(std::sqrt(std::max(0.0, variance)))};
}

void LazyAdam::append_parts(std::uint64_t gradient, std::uint64_t first, std::uint64_t last,
                            std::vector<CatchUp>& parts) const {
  const CatchUp whole = catch_up(gradient, first, last);
  if (whole.does_nothing()) return;
  if (whole.rate == 0.0F) return parts.push_back(whole);
  append_cut(gradient, {first, last, whole}, kThirdOrder * static_cast<double>(whole.rate), parts);
}

// `most`: what the third order of a part may come to, as a rate.
void LazyAdam::append_cut(std::uint64_t gradient, const Steps& steps, double most,
                          std::vector<CatchUp>& parts) const {
  const auto& [first, last, part] = steps;
  const double spread = part.epsilon > 0.0F ? static_cast<double>(part.spread / part.epsilon) : 0.0;
  if (first == last || static_cast<double>(part.rate) * spread * spread * spread <= most) {
    parts.push_back(part);
    return;
  }
  // The weights fall like 0.9^k, so the first steps of a span carry most of it: cut there.
  const std::uint64_t middle = first + std::min<std::uint64_t>(last - first, 15) / 4;
  const std::uint64_t next = middle + 1;
  append_cut(gradient, {first, middle, catch_up(gradient, first, middle)}, most, parts);
  append_cut(gradient, {next, last, catch_up(gradient, next, last)}, most, parts);
}

}  // namespace nibble
