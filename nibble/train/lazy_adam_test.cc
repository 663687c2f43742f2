#include "nibble/train/lazy_adam.h"

#include <cmath>

#include <gtest/gtest.h>

namespace nibble {
namespace {

// Adam's movement of a weight over steps first..last without gradients, step by step.
double movement(const TrainSettings& s, double m, double v, std::uint64_t gradient,
                std::uint64_t first, std::uint64_t last) {
  double sum = 0.0;
  for (std::uint64_t j = first; j <= last; ++j) {
    const auto skipped = static_cast<double>(j - gradient);
    const auto t = static_cast<double>(j);
    const double now_m = m * std::pow(s.beta1, skipped);
    const double now_v = v * std::pow(s.beta2, skipped);
    sum += s.learning_rate / (1 - std::pow(s.beta1, t)) * now_m /
           (std::sqrt(now_v) / std::sqrt(1 - std::pow(s.beta2, t)) + s.epsilon);
  }
  return sum;
}

double closed_form(const CatchUp& c, double m, double v) {
  const double root = std::sqrt(v) + static_cast<double>(c.epsilon);
  const double ratio = static_cast<double>(c.spread) / root;
  return static_cast<double>(c.rate) * m / root * (1 + ratio * ratio);
}

TEST(LazyAdam, OneStepIsExact) {
  const TrainSettings settings;
  const LazyAdam adam(settings, 1000);
  for (const std::uint64_t step : {1U, 2U, 10U, 999U, 1000U}) {
    for (const double root : {0.0, 1e-12, 1e-9, 1e-8, 1e-3}) {
      const double exact = movement(settings, 1e-5, root * root, step, step, step);
      const double ours = closed_form(adam.catch_up(step, step, step), 1e-5, root * root);
      EXPECT_NEAR(ours / exact, 1.0, 2e-7) << step << " " << root;
    }
  }
}

struct Span {
  std::uint64_t gradient, first, last;
};

std::ostream& operator<<(std::ostream& out, const Span& s) {
  return out << "gradient " << s.gradient << " steps " << s.first << ".." << s.last;
}

std::vector<Span> spans() {
  std::vector<Span> result;
  for (const std::uint64_t gradient : {1U, 2U, 5U, 30U, 300U, 1500U}) {
    for (const std::uint64_t wait : {0U, 1U, 4U}) {
      for (const std::uint64_t length : {1U, 2U, 3U, 10U, 100U, 480U})
        result.push_back({gradient, gradient + wait, gradient + wait + length - 1});
    }
  }
  return result;
}

// |m| is sqrt(v) or less, give or take.
TEST(LazyAdam, ManyStepsAgreeWithTheStepsOneByOne) {
  const TrainSettings settings;
  const LazyAdam adam(settings, 2000);
  for (const Span& s : spans()) {
    for (const double root : {1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-5, 1e-2}) {
      const double exact = movement(settings, root, root * root, s.gradient, s.first, s.last);
      const double ours =
          closed_form(adam.catch_up(s.gradient, s.first, s.last), root, root * root);
      const double off = std::abs(ours - exact);
      // Never a hundredth of what one step may move; exact to float from ten times eps on.
      EXPECT_LE(off, 0.01 * settings.learning_rate) << s << " root " << root;
      const double relative = root >= 1e-7 ? 3e-7 : root >= 1e-8 ? 1e-4 : 0.04;
      EXPECT_LE(off, relative * exact) << s << " root " << root;
    }
  }
}

// However small the root, where one evaluation alone may be 4 % off.
TEST(LazyAdam, PartsAgreeWithTheStepsOneByOne) {
  const TrainSettings settings;
  const LazyAdam adam(settings, 2000);
  for (const Span& s : spans()) {
    std::vector<CatchUp> parts;
    adam.append_parts(s.gradient, s.first, s.last, parts);
    EXPECT_LE(parts.size(), 24U) << s;
    for (const double root : {1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-5, 1e-2}) {
      const double exact = movement(settings, root, root * root, s.gradient, s.first, s.last);
      double ours = 0.0;
      for (const CatchUp& part : parts) ours += closed_form(part, root, root * root);
      EXPECT_NEAR(ours / exact, 1.0, 2 * LazyAdam::kThirdOrder) << s << " root " << root;
    }
  }
}

// AdamW's weight after steps first..last without gradients, step by step.
double after_decayed_steps(const TrainSettings& s, double w, double m, double v,
                           std::uint64_t gradient, std::uint64_t first, std::uint64_t last,
                           std::uint64_t steps) {
  const Schedule schedule(s, steps);
  TrainSettings now = s;
  for (std::uint64_t step = first; step <= last; ++step) {
    now.learning_rate = schedule.rate(step);
    w = w * (1 - now.learning_rate * s.weight_decay) - movement(now, m, v, gradient, step, step);
  }
  return w;
}

double apply(const std::vector<CatchUp>& parts, double w, double m, double v) {
  for (const CatchUp& part : parts)
    w -= static_cast<double>(part.fall) * w + closed_form(part, m, v);
  return w;
}

void expect_like_decayed_steps(const TrainSettings& settings, std::uint64_t steps) {
  const LazyAdam adam(settings, steps);
  ASSERT_TRUE(adam.may_skip_steps());
  for (const Span& s : spans()) {
    if (s.last > steps) continue;
    std::vector<CatchUp> parts;
    adam.append_parts(s.gradient, s.first, s.last, parts);
    for (const double root : {1e-12, 1e-9, 1e-8, 1e-5}) {
      const double exact = after_decayed_steps(settings, 0.02, root, root * root, s.gradient,
                                               s.first, s.last, steps);
      EXPECT_NEAR(apply(parts, 0.02, root, root * root), exact,
                  2e-7 * settings.learning_rate / 1e-3)
          << s << " root " << root;
    }
  }
}

TEST(LazyAdam, DecoupledDecayAgreesWithTheStepsOneByOne) {
  TrainSettings settings;
  settings.optimizer = Optimizer::kAdamW;
  settings.learning_rate = 1e-3;
  for (const double decay : {1e-4, 0.01, 1.0, 50.0}) {
    settings.weight_decay = decay;
    expect_like_decayed_steps(settings, 2000);
  }
}

TEST(LazyAdam, SchedulesAgreeWithTheStepsOneByOne) {
  TrainSettings settings;
  settings.learning_rate = 1e-3;
  settings.warmup = 40;
  for (const Optimizer optimizer : {Optimizer::kAdam, Optimizer::kAdamW}) {
    settings.optimizer = optimizer;
    settings.weight_decay = optimizer == Optimizer::kAdamW ? 2.0 : 0.0;
    for (const ScheduleKind kind :
         {ScheduleKind::kConstant, ScheduleKind::kCosine, ScheduleKind::kLinear}) {
      settings.schedule = kind;
      expect_like_decayed_steps(settings, 1999);
    }
  }
}

TEST(LazyAdam, WeightsThatNeverHadAGradientDecay) {
  TrainSettings settings;
  settings.optimizer = Optimizer::kAdamW;
  settings.weight_decay = 0.1;
  std::vector<CatchUp> parts;
  LazyAdam(settings, 1000).append_parts(0, 1, 700, parts);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_FLOAT_EQ(parts[0].fall, static_cast<float>(1 - std::pow(1 - 1e-4 * 0.1, 700)));
  EXPECT_EQ(closed_form(parts[0], 0.0, 0.0), 0.0);
}

TEST(LazyAdam, StrongDecayForbidsSkipping) {
  TrainSettings settings;
  settings.optimizer = Optimizer::kAdamW;
  settings.learning_rate = 0.5;
  settings.weight_decay = 0.3;
  const LazyAdam adam(settings, 100);
  EXPECT_FALSE(adam.may_skip_steps());
  EXPECT_FLOAT_EQ(adam.catch_up(7, 7, 7).fall, 0.15F);
}

TEST(LazyAdam, ZeroMomentsDoNotMove) {
  const LazyAdam adam({}, 100);
  EXPECT_EQ(closed_form(adam.catch_up(3, 3, 90), 0.0, 0.0), 0.0);
}

TEST(LazyAdam, LongRunsUseBoundedTables) {
  const TrainSettings settings;
  const LazyAdam adam(settings, 4'000'000'000U);
  const double exact =
      movement(settings, 1e-6, 1e-8, 3'000'000'000U, 3'000'000'000U, 3'000'000'400U);
  const CatchUp c = adam.catch_up(3'000'000'000U, 3'000'000'000U, 3'000'000'400U);
  EXPECT_NEAR(closed_form(c, 1e-6, 1e-8) / exact, 1.0, 1e-6);
}

TEST(LazyAdam, DecaysArePowersOfTheBetas) {
  const LazyAdam adam({}, 1'000'000);
  EXPECT_EQ(adam.keep_m(0), 1.0F);
  EXPECT_FLOAT_EQ(adam.keep_m(7), static_cast<float>(std::pow(0.9, 7)));
  EXPECT_FLOAT_EQ(adam.keep_v(1000), static_cast<float>(std::pow(0.999, 1000)));
  EXPECT_EQ(adam.keep_m(100'000), 0.0F);
}

TEST(LazyAdam, SaysWhenStepsMayNotBeSkipped) {
  TrainSettings settings;
  for (const auto& [beta1, beta2, may] :
       {std::tuple{0.9, 0.999, true}, std::tuple{0.0, 0.999, true}, std::tuple{0.9, 0.95, true},
        std::tuple{0.9, 0.9, false}, std::tuple{0.9, 0.0, false}, std::tuple{0.99, 0.5, false}}) {
    settings.beta1 = beta1;
    settings.beta2 = beta2;
    EXPECT_EQ(LazyAdam(settings, 100).may_skip_steps(), may) << beta1 << " " << beta2;
  }
}

}  // namespace
}  // namespace nibble
