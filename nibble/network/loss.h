// Cross-entropy of the softmax, row by row, in double.
#pragma once

#include <span>

#include "nibble/data/examples.h"

namespace nibble {

// -log softmax(logits)[label]; NaN or infinite when the logits are.
double cross_entropy(std::span<const float> logits, Label label);

// The same, and its gradient by the logits times `scale` (1/batch for a mean).
double cross_entropy_gradient(std::span<const float> logits, Label label, double scale,
                              std::span<float> gradient);

// The label with the highest logit, the lowest index among equals.
Label most_likely(std::span<const float> logits);

}  // namespace nibble
