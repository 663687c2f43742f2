#include "nibble/train/schedule.h"

namespace nibble {

Schedule::Schedule(const TrainSettings& settings, std::uint64_t /*steps*/)
    : learning_rate_(settings.learning_rate) {}

double Schedule::rate(std::uint64_t /*step*/) const { return learning_rate_; }

}  // namespace nibble
