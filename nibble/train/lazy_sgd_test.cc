#include "nibble/train/lazy_sgd.h"

#include <cmath>

#include <gtest/gtest.h>

namespace nibble {
namespace {

struct State {
  double w = 0.0;
  double m = 0.0;
};

// SGD's steps first..last without a gradient, one by one.
State one_by_one(const TrainSettings& s, const Schedule& schedule, State now, std::uint64_t first,
                 std::uint64_t last) {
  for (std::uint64_t step = first; step <= last; ++step) {
    now.m = s.momentum * now.m + s.weight_decay * now.w;
    now.w -= schedule.rate(step) * now.m;
  }
  return now;
}

State caught_up(const SgdCatchUp& c, const State& now) {
  return {now.w + static_cast<double>(c.w_from_w) * now.w + static_cast<double>(c.w_from_m) * now.m,
          static_cast<double>(c.m_from_w) * now.w + static_cast<double>(c.m_from_m) * now.m};
}

class LazySgdTest : public testing::TestWithParam<std::pair<double, double>> {
 protected:
  LazySgdTest() {
    settings.optimizer = Optimizer::kSgd;
    settings.learning_rate = 0.1;
    settings.momentum = GetParam().first;
    settings.weight_decay = GetParam().second;
  }
  void expect_like_one_by_one(std::uint64_t steps) {
    const LazySgd sgd(settings, steps);
    const Schedule schedule(settings, steps);
    const State before{0.7, -0.3};
    for (const std::uint64_t first : {1U, 2U, 16U, 17U, 33U, 100U, 255U}) {
      for (const std::uint64_t length : {1U, 2U, 15U, 16U, 17U, 64U, 100U, 245U}) {
        const std::uint64_t last = std::min(first + length - 1, steps);
        if (last < first) continue;
        const State exact = one_by_one(settings, schedule, before, first, last);
        const State ours = caught_up(sgd.catch_up(first, last), before);
        EXPECT_NEAR(ours.w, exact.w, 2e-7) << first << ".." << last;
        EXPECT_NEAR(ours.m, exact.m, 2e-7) << first << ".." << last;
      }
    }
  }
  TrainSettings settings;
};

TEST_P(LazySgdTest, ConstantRateAgreesWithTheStepsOneByOne) { expect_like_one_by_one(500); }

TEST_P(LazySgdTest, SchedulesAgreeWithTheStepsOneByOne) {
  for (const std::uint64_t steps : {3U, 100U, 500U}) {
    for (const ScheduleKind kind : {ScheduleKind::kCosine, ScheduleKind::kLinear}) {
      settings.schedule = kind;
      settings.warmup = 0.1;
      expect_like_one_by_one(steps);
    }
    settings.schedule = ScheduleKind::kConstant;
    settings.warmup = 70;
    expect_like_one_by_one(steps);
  }
}

INSTANTIATE_TEST_SUITE_P(MomentumAndDecay, LazySgdTest,
                         testing::Values(std::pair{0.0, 0.0}, std::pair{0.9, 0.0},
                                         std::pair{0.0, 0.01}, std::pair{0.9, 0.01},
                                         std::pair{0.99, 1e-4}, std::pair{0.5, 2.0}));

TEST(LazySgd, WithoutMomentumAndDecayNothingMoves) {
  TrainSettings settings;
  settings.optimizer = Optimizer::kSgd;
  const LazySgd sgd(settings, 1000);
  const SgdCatchUp c = sgd.catch_up(3, 900);
  EXPECT_EQ(c.w_from_w, 0.0F);
  EXPECT_EQ(c.m_from_w, 0.0F);
  EXPECT_EQ(caught_up(c, {0.7, 0.0}).w, 0.7);  // the buffer of sgd without momentum is not kept
}

TEST(LazySgd, SmallDecayKeepsItsDigits) {
  TrainSettings settings;
  settings.optimizer = Optimizer::kSgd;
  settings.learning_rate = 1e-4;
  settings.weight_decay = 1e-5;
  const LazySgd sgd(settings, 1000);
  EXPECT_NEAR(static_cast<double>(sgd.catch_up(1, 1).w_from_w) / -1e-9, 1.0, 1e-6);
}

TEST(LazySgd, LongRunsUseBoundedTables) {
  TrainSettings settings;
  settings.optimizer = Optimizer::kSgd;
  settings.weight_decay = 1e-3;
  const LazySgd sgd(settings, 4'000'000'000U);
  const SgdCatchUp c = sgd.catch_up(1, 4'000'000'000U);
  EXPECT_NEAR(1.0 + static_cast<double>(c.w_from_w), std::exp(-400.0), 1e-7);
}

}  // namespace
}  // namespace nibble
