#include "nibble/train/training_loss.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nibble/network/loss.h"

namespace nibble {

TrainingLoss::TrainingLoss(const TrainSettings& settings, std::size_t classes)
    : smoothing_(settings.label_smoothing),
      weights_(settings.class_weights),
      weight_sum_(weights_.empty() ? static_cast<double>(classes)
                                   : std::accumulate(weights_.begin(), weights_.end(), 0.0)) {}

double TrainingLoss::row(std::span<const float> logits, Label label, double scale,
                         std::span<float> gradient) const {
  if (smoothing_ == 0.0 && weights_.empty())
    return cross_entropy_gradient(logits, label, scale, gradient);
  const double log_total = cross_entropy(logits, label) + static_cast<double>(logits[label]);
  const double share = smoothing_ / static_cast<double>(logits.size());
  const double own = (1.0 - smoothing_) * weight(label);
  const double target_sum = own + share * weight_sum_;
  double loss = 0.0;
  for (std::size_t o = 0; o < logits.size(); ++o) {
    const auto class_label = static_cast<Label>(o);
    const double log_p = static_cast<double>(logits[o]) - log_total;
    const double target = share * weight(class_label) + (class_label == label ? own : 0.0);
    gradient[o] = static_cast<float>((target_sum * std::exp(log_p) - target) * scale);
    if (target != 0.0) loss -= target * log_p;  // an infinite log_p of no weight adds nothing
  }
  return loss;
}

std::vector<double> balanced_weights(std::span<const std::size_t> rows_of_class) {
  const std::size_t rows =
      std::accumulate(rows_of_class.begin(), rows_of_class.end(), std::size_t{0});
  const auto empty = static_cast<std::size_t>(std::ranges::count(rows_of_class, std::size_t{0}));
  const auto seen = static_cast<double>(rows_of_class.size() - empty);
  std::vector<double> weights;
  for (const std::size_t count : rows_of_class)
    weights.push_back(count > 0 ? static_cast<double>(rows) / (seen * static_cast<double>(count))
                                : 0.0);
  return weights;
}

}  // namespace nibble
