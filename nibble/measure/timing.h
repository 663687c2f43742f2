// Timing of short calls with the steady clock.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace nibble {

// A call to be timed; it is told how many came before it.
using TimedCall = std::function<void(std::size_t)>;

struct TimingLimits {
  std::size_t warm_up_calls = 20;      // before the clock counts, and
  double warm_up_seconds = 0.03;       // at least for so long
  std::size_t minimum_calls = 1000;    // however long they take
  std::size_t maximum_calls = 50'000;  // 400 KB of times: they must not crowd the caches
  double seconds = 0.3;                // once the minimum is reached, stop after this time
};

// Nanoseconds of one call, what the clock itself costs subtracted.
struct CallTimes {
  double median_ns = 0.0;
  double p90_ns = 0.0;
  double p99_ns = 0.0;
  // How far the medians of five consecutive parts lie apart, as a share of the median. On a quiet
  // machine a few per cent.
  double drift = 0.0;
  std::size_t calls = 0;
};

CallTimes time_calls(const TimedCall& call, const TimingLimits& limits);

// As time_calls, with `before` run ahead of every call, its own time not counted.
CallTimes time_calls_after(const std::function<void()>& before, const TimedCall& call,
                           const TimingLimits& limits);

// Calls back to back with the clock read about once a millisecond: the rate without what a clock
// costs and disturbs. The median over the windows.
double calls_per_second(const TimedCall& call, const TimingLimits& limits);

// Several calls, each as by time_calls or calls_per_second, but in five rounds that go through all
// of them: what else the machine does meanwhile falls on all alike, so their ratios can be trusted.
// A call has a fifth of the limits' time and calls in each round; all of its times count together,
// of its rates the median.
std::vector<CallTimes> time_in_turns(std::span<const TimedCall> calls, const TimingLimits& limits);
std::vector<double> rates_in_turns(std::span<const TimedCall> calls, const TimingLimits& limits);

// The compiler must believe that the memory behind the pointer is read: what a call computed cannot
// be left out.
inline void keep(const void* result) { asm volatile("" : : "r"(result) : "memory"); }

}  // namespace nibble
