#include "nibble/train/reference_step.h"

#include <cmath>

#include <gtest/gtest.h>

#include "nibble/train/test_data.h"

namespace nibble {
namespace {

double loss(const ReferenceNetwork& network, const test::Problem& p, const ReferenceRules& rules) {
  return reference_gradients(network, p.as_sparse().rows, p.labels, rules).loss;
}

// Central differences of the loss by every parameter of one vector of the network.
void expect_gradient(const ReferenceNetwork& network, std::vector<double>& parameters,
                     const std::vector<double>& gradient, const test::Problem& p,
                     const ReferenceRules& rules) {
  constexpr double kStep = 1e-6;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const double kept = parameters[i];
    parameters[i] = kept + kStep;
    const double above = loss(network, p, rules);
    parameters[i] = kept - kStep;
    const double below = loss(network, p, rules);
    parameters[i] = kept;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 1e-7);
  }
}

class GradientTest
    : public testing::TestWithParam<
          std::tuple<std::vector<std::size_t>, double, double, std::vector<double>>> {};

TEST_P(GradientTest, AgreesWithFiniteDifferences) {
  const auto& [hidden, dropout_p, smoothing, weights] = GetParam();
  const test::Problem p = test::bag_of_words(6, 11, 4, 3, 1);
  ReferenceNetwork network = reference_network(initialised_mlp({11, hidden, 3}, 2));
  const ReferenceRules rules{{{dropout_p, 5, 7}}, smoothing, weights};
  const auto result = reference_gradients(network, p.as_sparse().rows, p.labels, rules);
  for (std::size_t l = 0; l < network.size(); ++l) {
    const ReferenceLayer& g = result.gradients[l];
    expect_gradient(network, network[l].weight, g.weight, p, rules);
    expect_gradient(network, network[l].bias, g.bias, p, rules);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, GradientTest,
    testing::Combine(testing::Values(std::vector<std::size_t>{}, std::vector<std::size_t>{9},
                                     std::vector<std::size_t>{13, 7, 5}),
                     testing::Values(0.0, 0.4), testing::Values(0.0, 0.1),
                     testing::Values(std::vector<double>{}, std::vector<double>{0.5, 2.0, 1.0})));

// The first step of Adam moves every parameter by lr * g / (|g| + eps'), whatever the gradient.
TEST(ReferenceTrainer, FirstStepMovesByTheLearningRate) {
  const test::Problem p = test::bag_of_words(8, 11, 4, 2, 3);
  TrainSettings settings;
  settings.dropout = {0.0};
  const Mlp initial = initialised_mlp({11, {5}, 2}, 4);
  ReferenceTrainer trainer(initial, settings);
  const auto before = reference_network(initial);
  const auto gradients = reference_gradients(before, p.as_sparse().rows, p.labels, {}).gradients;
  trainer.step(p.as_sparse().rows, p.labels);
  for (std::size_t l = 0; l < before.size(); ++l) {
    for (std::size_t i = 0; i < before[l].weight.size(); ++i) {
      const double g = gradients[l].weight[i];
      EXPECT_NEAR(trainer.network()[l].weight[i],
                  before[l].weight[i] - 1e-4 * g / (std::abs(g) + 1e-8), 1e-15);
    }
  }
}

TEST(ReferenceTrainer, SparseAndDenseRowsAreTheSame) {
  const test::Problem p = test::bag_of_words(8, 11, 4, 2, 3);
  const Mlp initial = initialised_mlp({11, {5, 3}, 2}, 4);
  ReferenceTrainer one(initial, {});
  ReferenceTrainer other(initial, {});
  for (int step = 0; step < 3; ++step)
    EXPECT_EQ(one.step(p.as_sparse().rows, p.labels), other.step(p.as_dense().rows, p.labels));
  EXPECT_EQ(to_mlp(one.network()), to_mlp(other.network()));
}

}  // namespace
}  // namespace nibble
