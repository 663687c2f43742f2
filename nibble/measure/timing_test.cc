#include "nibble/measure/timing.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace nibble {
namespace {

const TimingLimits kShort{
    .warm_up_calls = 3, .warm_up_seconds = 0.0, .minimum_calls = 7, .seconds = 0.0};

TEST(TimeCalls, MakesAtLeastTheMinimumAfterTheWarmUp) {
  std::size_t made = 0;
  const CallTimes times = time_calls(
      [&](std::size_t call) {
        EXPECT_EQ(call, made);
        ++made;
      },
      kShort);
  EXPECT_EQ(times.calls, 7U);
  EXPECT_EQ(made, 10U);
}

TEST(TimeCalls, StopsAtTheMaximum) {
  TimingLimits limits = kShort;
  limits.maximum_calls = 11;
  limits.seconds = 1e9;
  EXPECT_EQ(time_calls([](std::size_t) {}, limits).calls, 11U);
}

TEST(TimeCalls, OrdersItsQuantilesAndNeverGoesBelowZero) {
  TimingLimits limits = kShort;
  limits.minimum_calls = 1000;
  const CallTimes times = time_calls([](std::size_t) {}, limits);
  EXPECT_GE(times.median_ns, 0.0);
  EXPECT_LE(times.median_ns, times.p90_ns);
  EXPECT_LE(times.p90_ns, times.p99_ns);
  EXPECT_GE(times.drift, 0.0);
}

TEST(TimeCalls, SeesNoLessThanTheCallTook) {
  TimingLimits limits = kShort;
  limits.minimum_calls = 3;
  const auto sleep = [](std::size_t) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  EXPECT_GE(time_calls(sleep, limits).median_ns, 1.9e6);
}

TEST(TimeCallsAfter, RunsThePreparationBeforeEveryCall) {
  std::size_t prepared = 0;
  std::size_t made = 0;
  time_calls_after([&] { ++prepared; }, [&](std::size_t) { EXPECT_EQ(++made, prepared); }, kShort);
  EXPECT_EQ(prepared, 10U);
  EXPECT_EQ(made, 10U);
}

TEST(CallsPerSecond, OfASleepIsNoMoreThanTheSleepAllows) {
  const auto sleep = [](std::size_t) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  const double rate = calls_per_second(sleep, kShort);
  EXPECT_GT(rate, 0.0);
  EXPECT_LE(rate, 500.0);
}

// The calls of five rounds, each round's warm-up among them.
TEST(TimeInTurns, GoesThroughAllCallsInEveryRound) {
  std::string order;
  const std::vector<TimedCall> calls{[&](std::size_t) { order += 'a'; },
                                     [&](std::size_t) { order += 'b'; }};
  TimingLimits limits = kShort;
  limits.warm_up_calls = 5;
  limits.minimum_calls = 10;
  const std::vector<CallTimes> times = time_in_turns(calls, limits);
  ASSERT_EQ(times.size(), 2U);
  EXPECT_EQ(times[0].calls, 10U);
  EXPECT_EQ(times[1].calls, 10U);
  EXPECT_EQ(order, "aaabbbaaabbbaaabbbaaabbbaaabbb");
}

TEST(RatesInTurns, TellsAFastCallFromASlowOne) {
  const auto sleep = [](int milliseconds) {
    return
        [=](std::size_t) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); };
  };
  const std::vector<double> rates =
      rates_in_turns(std::vector<TimedCall>{sleep(4), sleep(1)}, kShort);
  ASSERT_EQ(rates.size(), 2U);
  EXPECT_LE(rates[0], 250.0);
  EXPECT_GT(rates[0], 0.0);
  EXPECT_LE(rates[1], 1000.0);
}

}  // namespace
}  // namespace nibble
