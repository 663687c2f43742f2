// One step of any optimizer, as the training kernels take it. What each means: train/settings.h.
#pragma once

#include <cstddef>
#include <variant>

#include "nibble/kernels/adam.h"

namespace nibble {

// Adam with weight decay in the gradient: g = clip * g + decay * w, then Adam.
struct CoupledAdamStep {
  AdamStep adam;
  float clip = 1.0F;
  float decay = 0.0F;
};

// m = momentum * m + clip * g + decay * w; w -= rate * m.
struct SgdStep {
  float momentum = 0.0F;
  float clip = 1.0F;
  float decay = 0.0F;
  float rate = 0.0F;
};

using OptimizerStep = std::variant<AdamStep, CoupledAdamStep, SgdStep>;

// The gradient of a layer's bias is the sum of `dy` (rows x count, rows `stride` apart, `count` and
// `stride` multiples of kTrainLanes) over the rows. Takes one step with it; `v` is not touched by
// SGD.
void update_bias(const OptimizerStep& step, std::size_t rows, std::size_t count, const float* dy,
                 std::size_t stride, float* bias, float* m, float* v);

}  // namespace nibble
