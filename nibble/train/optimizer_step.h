// What one step of the settings' optimizer takes, in the kernels' words.
#pragma once

#include <cstdint>

#include "nibble/kernels/optimizer.h"
#include "nibble/train/schedule.h"
#include "nibble/train/settings.h"

namespace nibble {

// For step 1, 2, ...; gradients count `clip` times.
OptimizerStep optimizer_step(const TrainSettings& settings, const Schedule& schedule,
                             std::uint64_t step, double clip = 1.0);

}  // namespace nibble
