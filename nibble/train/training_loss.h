// The loss that training lowers: cross-entropy with label smoothing and class weights.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/train/settings.h"

namespace nibble {

// torch.nn.CrossEntropyLoss(weight, label_smoothing) with K classes:
//   row      (1 - smoothing) w[label] (-log p[label]) + smoothing / K * sum over k of w[k] (-log
//   p[k]) batch    sum of the rows / sum of w[label]
// Without weights all w are 1.
class TrainingLoss {
 public:
  // Class weights must be given, not balanced.
  TrainingLoss(const TrainSettings& settings, std::size_t classes);

  // w[label]: what a row counts in its batch.
  double weight(Label label) const { return weights_.empty() ? 1.0 : weights_[label]; }
  // One row's loss, and its gradient by the logits times `scale` (1 / the batch's sum of weights).
  double row(std::span<const float> logits, Label label, double scale,
             std::span<float> gradient) const;

 private:
  double smoothing_ = 0.0;
  std::vector<double> weights_;  // empty: all 1
  double weight_sum_ = 0.0;      // over the classes
};

// From the rows of each class: rows / (classes with rows * rows of the class), scikit-learn's
// class_weight="balanced"; 0 for a class without rows.
std::vector<double> balanced_weights(std::span<const std::size_t> rows_of_class);

}  // namespace nibble
