// The learning rate of every step.
//
// PyTorch counts steps from t = 0 (LambdaLR), we from step = 1: t = step - 1. With T steps in all
// and W of warm-up, the rate is learning_rate times
//   t / max(1, W)                                  for t < W,
//   constant  1
//   linear    max(0, (T - t) / max(1, T - W))      from t = W on
//   cosine    max(0, (1 + cos(pi (t - W) / max(1, T - W))) / 2)
// as get_constant_, get_linear_ and get_cosine_schedule_with_warmup of Hugging Face's transformers
// have it (optimization.py). So the first step of a warm-up has rate 0.
#pragma once

#include <cstdint>

#include "nibble/train/settings.h"

namespace nibble {

// Steps of warm-up out of `steps`: a share is rounded up.
std::uint64_t warmup_steps(const TrainSettings& settings, std::uint64_t steps);

class Schedule {
 public:
  // For a training of `steps` steps, counted from 1.
  Schedule(const TrainSettings& settings, std::uint64_t steps);

  double rate(std::uint64_t step) const;
  // From this step on the rate stays as it is.
  std::uint64_t settled() const { return settled_; }

 private:
  double factor(std::uint64_t step) const;

  ScheduleKind kind_ = ScheduleKind::kConstant;
  double learning_rate_ = 0.0;
  std::uint64_t steps_ = 1;
  std::uint64_t warmup_ = 0;
  std::uint64_t settled_ = 1;
};

}  // namespace nibble
