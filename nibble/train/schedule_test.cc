#include "nibble/train/schedule.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace nibble {
namespace {

std::vector<double> rates(ScheduleKind kind, double warmup, std::uint64_t steps,
                          std::uint64_t shown) {
  TrainSettings settings;
  settings.learning_rate = 2.0;
  settings.schedule = kind;
  settings.warmup = warmup;
  const Schedule schedule(settings, steps);
  std::vector<double> result;
  for (std::uint64_t step = 1; step <= shown; ++step) result.push_back(schedule.rate(step));
  return result;
}

void expect_rates(const std::vector<double>& ours, const std::vector<double>& wanted) {
  ASSERT_EQ(ours.size(), wanted.size());
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], wanted[i], 1e-15) << i;
}

TEST(Schedule, Constant) {
  expect_rates(rates(ScheduleKind::kConstant, 0, 4, 6), {2, 2, 2, 2, 2, 2});
  expect_rates(rates(ScheduleKind::kConstant, 4, 8, 8), {0, 0.5, 1, 1.5, 2, 2, 2, 2});
  expect_rates(rates(ScheduleKind::kConstant, 0.25, 8, 5), {0, 1, 2, 2, 2});
}

TEST(Schedule, Linear) {
  expect_rates(rates(ScheduleKind::kLinear, 0, 4, 4), {2, 1.5, 1, 0.5});
  expect_rates(rates(ScheduleKind::kLinear, 2, 6, 6), {0, 1, 2, 1.5, 1, 0.5});
}

TEST(Schedule, Cosine) {
  const double root = std::sqrt(0.5);
  expect_rates(rates(ScheduleKind::kCosine, 0, 4, 4), {2, 1 + root, 1, 1 - root});
  expect_rates(rates(ScheduleKind::kCosine, 1, 5, 5), {0, 2, 1 + root, 1, 1 - root});
}

TEST(Schedule, SharesOfWarmupAreRoundedUp) {
  TrainSettings settings;
  settings.warmup = 0.1;
  EXPECT_EQ(warmup_steps(settings, 10), 1U);
  EXPECT_EQ(warmup_steps(settings, 11), 2U);
  EXPECT_EQ(warmup_steps(settings, 0), 0U);
  settings.warmup = 7;
  EXPECT_EQ(warmup_steps(settings, 3), 7U);
}

TEST(Schedule, WarmupLongerThanTheTraining) {
  for (const ScheduleKind kind :
       {ScheduleKind::kConstant, ScheduleKind::kLinear, ScheduleKind::kCosine})
    expect_rates(rates(kind, 8, 3, 3), {0, 0.25, 0.5});
}

TEST(Schedule, OneStep) {
  for (const ScheduleKind kind :
       {ScheduleKind::kConstant, ScheduleKind::kLinear, ScheduleKind::kCosine})
    expect_rates(rates(kind, 0, 1, 1), {2});
}

TEST(Schedule, SaysFromWhereTheRateStays) {
  TrainSettings settings;
  EXPECT_EQ(Schedule(settings, 100).settled(), 1U);
  settings.warmup = 9;
  EXPECT_EQ(Schedule(settings, 100).settled(), 10U);
  settings.schedule = ScheduleKind::kCosine;
  EXPECT_EQ(Schedule(settings, 100).settled(), 100U);
}

}  // namespace
}  // namespace nibble
