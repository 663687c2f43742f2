#include "nibble/network/loss.h"

#include <algorithm>
#include <cmath>

namespace nibble {
namespace {

// log of the sum of exp(logits)
double log_sum(std::span<const float> logits) {
  const double top = *std::ranges::max_element(logits);
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

}  // namespace

double cross_entropy(std::span<const float> logits, Label label) {
  return log_sum(logits) - static_cast<double>(logits[label]);
}

double cross_entropy_gradient(std::span<const float> logits, Label label, double scale,
                              std::span<float> gradient) {
  const double log_total = log_sum(logits);
  for (std::size_t o = 0; o < logits.size(); ++o)
    gradient[o] = static_cast<float>(std::exp(static_cast<double>(logits[o]) - log_total) * scale);
  // p - 1 for the label, without the rounding of p to float first.
  gradient[label] =
      static_cast<float>(std::expm1(static_cast<double>(logits[label]) - log_total) * scale);
  return log_total - static_cast<double>(logits[label]);
}

Label most_likely(std::span<const float> logits) {
  return static_cast<Label>(std::ranges::max_element(logits) - logits.begin());
}

}  // namespace nibble
