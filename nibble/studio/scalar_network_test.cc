#include "nibble/studio/scalar_network.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/network/reference_forward.h"

namespace nibble {
namespace {

std::vector<float> scores() {
  std::vector<float> all;
  for (int i = -100; i <= 100; ++i) all.push_back(0.03F * static_cast<float>(i));
  return all;
}

Matrix<float> answers(const Mlp& mlp, const std::vector<float>& z) {
  DenseRows rows(z.size(), 1);
  std::copy(z.begin(), z.end(), rows.values.begin());
  return reference_logits(mlp, view_of(rows));
}

// Two kinks: three pieces would do. Points lie on a grid, so kinks are met to a step of it.
TEST(ScalarNetwork, AFunctionOfFewPiecesIsMet) {
  Mlp rest({1, {2}, 2});
  rest.layers[0].weight.values = {1.0F, -1.0F};
  rest.layers[0].bias = {-0.5F, -1.0F};  // kinks at 0.5 and -1
  rest.layers[1].weight.values = {2.0F, -1.0F, 0.5F, 3.0F};
  rest.layers[1].bias = {0.25F, -0.125F};
  const Mlp small = scalar_network(rest, scores(), 6);
  EXPECT_EQ(small.shape(), (MlpShape{1, {6}, 2}));
  const auto expected = answers(rest, scores());
  const auto got = answers(small, scores());
  for (std::size_t i = 0; i < got.values.size(); ++i)
    EXPECT_NEAR(got.values[i], expected.values[i], 0.02F);
}

TEST(ScalarNetwork, MorePiecesComeNearerToAWideNetwork) {
  const Mlp rest = initialised_mlp({1, {64, 32, 16}, 3}, 4);
  const auto expected = answers(rest, scores());
  double before = 1e9;
  for (const std::size_t pieces : {2U, 8U, 32U}) {
    const auto got = answers(scalar_network(rest, scores(), pieces), scores());
    double worst = 0.0;
    for (std::size_t i = 0; i < got.values.size(); ++i)
      worst = std::max(worst, std::fabs(1.0 * got.values[i] - expected.values[i]));
    EXPECT_LT(worst, before);
    before = worst;
  }
  EXPECT_LT(before, 0.005);
}

TEST(ScalarNetwork, OneScoreIsEnough) {
  const Mlp rest = initialised_mlp({1, {5}, 2}, 4);
  const auto got = answers(scalar_network(rest, std::vector<float>{0.5F}, 1), {0.5F});
  const auto expected = answers(rest, {0.5F});
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(got.values[i], expected.values[i], 1e-4F);
}

}  // namespace
}  // namespace nibble
