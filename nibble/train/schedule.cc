#include "nibble/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nibble {

std::uint64_t warmup_steps(const TrainSettings& settings, std::uint64_t steps) {
  if (settings.warmup >= 1.0) return static_cast<std::uint64_t>(settings.warmup);
  return static_cast<std::uint64_t>(std::ceil(settings.warmup * static_cast<double>(steps)));
}

Schedule::Schedule(const TrainSettings& settings, std::uint64_t steps)
    : kind_(settings.schedule),
      learning_rate_(settings.learning_rate),
      steps_(std::max<std::uint64_t>(steps, 1)),
      warmup_(warmup_steps(settings, steps_)) {
  const std::uint64_t last = kind_ == ScheduleKind::kConstant ? warmup_ + 1 : steps_;
  settled_ = std::min(last, steps_);
}

double Schedule::rate(std::uint64_t step) const {
  return learning_rate_ * factor(std::min(step, settled_));
}

double Schedule::factor(std::uint64_t step) const {
  const std::uint64_t t = step - 1;
  if (t < warmup_) return static_cast<double>(t) / static_cast<double>(warmup_);
  if (kind_ == ScheduleKind::kConstant) return 1.0;
  const std::uint64_t falling = steps_ > warmup_ ? steps_ - warmup_ : 1;
  const double progress = static_cast<double>(t - warmup_) / static_cast<double>(falling);
  if (kind_ == ScheduleKind::kLinear) return std::max(0.0, 1.0 - progress);
  return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

}  // namespace nibble
