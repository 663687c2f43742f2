// The learning rate of every step.
#pragma once

#include <cstdint>

#include "nibble/train/settings.h"

namespace nibble {

class Schedule {
 public:
  // For a training of `steps` steps, counted from 1.
  Schedule(const TrainSettings& settings, std::uint64_t steps);

  double rate(std::uint64_t step) const;
  // From this step on the rate stays as it is.
  std::uint64_t settled() const { return settled_; }

 private:
  double learning_rate_ = 0.0;
  std::uint64_t settled_ = 1;
};

}  // namespace nibble
