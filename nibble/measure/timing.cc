#include "nibble/measure/timing.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "nibble/measure/statistics.h"

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;

double nanoseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

// What a timing of nothing shows: two readings of the clock and a call through std::function.
double clock_cost_ns() {
  const TimedCall nothing = [](std::size_t) {};
  std::vector<double> times(1001);
  for (double& time : times) {
    const Clock::time_point start = Clock::now();
    nothing(0);
    time = nanoseconds_since(start);
  }
  return median(std::move(times));
}

std::size_t warm_up(const std::function<void()>& before, const TimedCall& call,
                    const TimingLimits& limits) {
  const Clock::time_point start = Clock::now();
  std::size_t calls = 0;
  while (calls < limits.warm_up_calls || nanoseconds_since(start) < limits.warm_up_seconds * 1e9) {
    if (before) before();
    call(calls++);
  }
  return calls;
}

// (largest - smallest) / overall, of the medians of five consecutive parts.
double drift_of(const std::vector<double>& times, double overall) {
  constexpr std::size_t kParts = 5;
  if (times.size() < 2 * kParts || overall <= 0.0) return 0.0;
  std::array<double, kParts> medians{};
  const std::size_t length = times.size() / kParts;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto first = times.begin() + static_cast<std::ptrdiff_t>(part * length);
    medians[part] = median({first, first + static_cast<std::ptrdiff_t>(length)});
  }
  const auto [low, high] = std::minmax_element(medians.begin(), medians.end());
  return (*high - *low) / overall;
}

CallTimes summarise(const std::vector<double>& times) {
  CallTimes summary;
  summary.calls = times.size();
  std::vector<double> ascending = times;
  std::sort(ascending.begin(), ascending.end());
  summary.median_ns = quantile_of_sorted(ascending, 0.5);
  summary.p90_ns = quantile_of_sorted(ascending, 0.9);
  summary.p99_ns = quantile_of_sorted(ascending, 0.99);
  summary.drift = drift_of(times, summary.median_ns);
  return summary;
}

// Nanoseconds of each call, in their order.
std::vector<double> single_times(const std::function<void()>& before, const TimedCall& call,
                                 const TimingLimits& limits) {
  const double clock_cost = clock_cost_ns();
  std::size_t calls = warm_up(before, call, limits);
  std::vector<double> times(std::max(limits.minimum_calls, limits.maximum_calls));
  std::size_t timed = 0;
  const Clock::time_point beginning = Clock::now();
  while (timed < times.size() &&
         (timed < limits.minimum_calls || nanoseconds_since(beginning) < limits.seconds * 1e9)) {
    if (before) before();
    const Clock::time_point start = Clock::now();
    call(calls++);
    times[timed++] = std::max(0.0, nanoseconds_since(start) - clock_cost);
  }
  times.resize(timed);
  return times;
}

constexpr std::size_t kRounds = 5;

TimingLimits of_one_round(TimingLimits limits) {
  const auto share = [](std::size_t calls) { return (calls + kRounds - 1) / kRounds; };
  return {share(limits.warm_up_calls), limits.warm_up_seconds / kRounds,
          share(limits.minimum_calls), share(limits.maximum_calls), limits.seconds / kRounds};
}

}  // namespace

CallTimes time_calls_after(const std::function<void()>& before, const TimedCall& call,
                           const TimingLimits& limits) {
  return summarise(single_times(before, call, limits));
}

CallTimes time_calls(const TimedCall& call, const TimingLimits& limits) {
  return time_calls_after(nullptr, call, limits);
}

double calls_per_second(const TimedCall& call, const TimingLimits& limits) {
  constexpr double kWindowNs = 1e6;
  constexpr std::size_t kFewestWindows = 5;
  std::size_t calls = warm_up(nullptr, call, limits);
  std::size_t window = 1;  // calls
  std::vector<double> rates;
  const Clock::time_point beginning = Clock::now();
  while (rates.size() < kFewestWindows || nanoseconds_since(beginning) < limits.seconds * 1e9) {
    const Clock::time_point start = Clock::now();
    for (std::size_t i = 0; i < window; ++i) call(calls++);
    const double ns = nanoseconds_since(start);
    if (ns < 0.5 * kWindowNs) {
      window *= 2;
    } else {
      rates.push_back(static_cast<double>(window) * 1e9 / ns);
    }
  }
  return median(std::move(rates));
}

std::vector<CallTimes> time_in_turns(std::span<const TimedCall> calls, const TimingLimits& limits) {
  std::vector<std::vector<double>> times(calls.size());
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const std::vector<double> more = single_times(nullptr, calls[i], of_one_round(limits));
      times[i].insert(times[i].end(), more.begin(), more.end());
    }
  }
  std::vector<CallTimes> summaries;
  summaries.reserve(calls.size());
  for (const std::vector<double>& of_call : times) summaries.push_back(summarise(of_call));
  return summaries;
}

std::vector<double> rates_in_turns(std::span<const TimedCall> calls, const TimingLimits& limits) {
  std::vector<std::vector<double>> rates(calls.size());
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < calls.size(); ++i)
      rates[i].push_back(calls_per_second(calls[i], of_one_round(limits)));
  }
  std::vector<double> medians;
  medians.reserve(calls.size());
  for (std::vector<double>& of_call : rates) medians.push_back(median(std::move(of_call)));
  return medians;
}

}  // namespace nibble
