#include "nibble/train/training_loss.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace nibble {
namespace {

constexpr std::array<float, 3> kLogits{1.0F, -2.0F, 0.5F};

double log_p(std::size_t k) {
  double sum = 0.0;
  for (const float logit : kLogits) sum += std::exp(static_cast<double>(logit));
  return static_cast<double>(kLogits.at(k)) - std::log(sum);
}

// The formula of the header, and central differences of it.
double by_hand(std::span<const float> logits, Label label, double smoothing,
               const std::vector<double>& w) {
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  double loss = 0.0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    const double minus_log_p = std::log(sum) - static_cast<double>(logits[k]);
    loss += smoothing / static_cast<double>(logits.size()) * w[k] * minus_log_p;
    if (static_cast<Label>(k) == label) loss += (1 - smoothing) * w[k] * minus_log_p;
  }
  return loss;
}

TEST(TrainingLoss, IsTheFormulaWithItsGradient) {
  for (const double smoothing : {0.0, 0.1, 1.0}) {
    for (const std::vector<double>& weights :
         {std::vector<double>{1, 1, 1}, std::vector<double>{0.5, 2, 3}}) {
      TrainSettings settings;
      settings.label_smoothing = smoothing;
      settings.class_weights = weights;
      const TrainingLoss loss(settings, 3);
      for (const Label label : {0, 1, 2}) {
        std::array<float, 3> gradient{};
        EXPECT_NEAR(loss.row(kLogits, label, 0.25, gradient),
                    by_hand(kLogits, label, smoothing, weights), 1e-12);
        for (std::size_t k = 0; k < 3; ++k) {
          std::array<float, 3> above = kLogits;
          std::array<float, 3> below = kLogits;
          above.at(k) += 0.0078125F;
          below.at(k) -= 0.0078125F;
          const double slope = (by_hand(above, label, smoothing, weights) -
                                by_hand(below, label, smoothing, weights)) /
                               0.015625;
          EXPECT_NEAR(static_cast<double>(gradient.at(k)), 0.25 * slope, 1e-5);
        }
      }
    }
  }
}

TEST(TrainingLoss, WithoutSettingsIsCrossEntropy) {
  const TrainingLoss loss({}, 3);
  std::array<float, 3> gradient{};
  EXPECT_NEAR(loss.row(kLogits, 1, 1.0, gradient), -log_p(1), 1e-12);
  EXPECT_NEAR(static_cast<double>(gradient[0]), std::exp(log_p(0)), 1e-7);
  EXPECT_NEAR(static_cast<double>(gradient[1]), std::exp(log_p(1)) - 1, 1e-7);
  EXPECT_EQ(loss.weight(2), 1.0);
}

// sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 3], y=[0,0,0,1,3,3])
TEST(TrainingLoss, BalancedWeightsAreThoseOfScikitLearn) {
  const auto weights = balanced_weights(std::vector<std::size_t>{3, 1, 0, 2});
  ASSERT_EQ(weights.size(), 4U);
  EXPECT_DOUBLE_EQ(weights[0], 6.0 / 9.0);
  EXPECT_DOUBLE_EQ(weights[1], 2.0);
  EXPECT_EQ(weights[2], 0.0);
  EXPECT_DOUBLE_EQ(weights[3], 1.0);
  TrainSettings settings;
  settings.class_weights = weights;
  EXPECT_DOUBLE_EQ(TrainingLoss(settings, 4).weight(1), 2.0);
}

}  // namespace
}  // namespace nibble
