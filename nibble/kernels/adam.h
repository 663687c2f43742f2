// The numbers of one Adam step, for parameters whose gradient is known at every step: hidden
// layers, biases, dense inputs.
//
// PyTorch's meaning: m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
// w -= lr / (1-b1^t) * m / (sqrt(v) / sqrt(1-b2^t) + eps).
// Both bias corrections are folded into two numbers of the step, so that a weight costs one square
// root and one division: w -= rate * m / (sqrt(v) + epsilon) with
// rate = lr * sqrt(1-b2^t) / (1-b1^t) and epsilon = eps * sqrt(1-b2^t).
// A gradient that is clipped to c g is taken in by (1-b1) c and (1-b2) c^2.
#pragma once

#include <cstddef>

namespace nibble {

// Everything Adam needs to know about one step.
struct AdamStep {
  float keep_m = 0.0F;   // b1
  float take_m = 0.0F;   // 1 - b1
  float keep_v = 0.0F;   // b2
  float take_v = 0.0F;   // 1 - b2
  float rate = 0.0F;     // bias corrections included, see above
  float epsilon = 0.0F;  // bias correction included, see above
  float fall = 0.0F;     // AdamW's decay, lr * weight decay: w -= fall * w before the rest
};

// Vectors of the training kernels come in whole groups of this many floats; what pads a row is 0
// and stays 0.
inline constexpr std::size_t kTrainLanes = 16;

}  // namespace nibble
