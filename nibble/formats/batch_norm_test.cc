#include "nibble/formats/batch_norm.h"

#include <cmath>

#include <gtest/gtest.h>

namespace nibble {
namespace {

Linear some_layer() {
  Linear layer;
  layer.weight = Matrix<float>(2, 3);
  layer.weight.values = {1, -2, 3, 0.5F, 0, -1};
  layer.bias = {0.25F, -1, 2};
  return layer;
}

std::vector<float> outputs(const Linear& layer, const std::vector<float>& x) {
  std::vector<float> y(layer.bias.begin(), layer.bias.end());
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t o = 0; o < y.size(); ++o) y[o] += x[i] * layer.weight.at(i, o);
  }
  return y;
}

TEST(BatchNorm, IsScaleAndShift) {
  const std::vector<float> weight = {2}, bias = {3}, mean = {5}, variance = {4};
  const FeatureScaling scaling = batch_norm(weight, bias, mean, variance);
  const double scale = 2 / std::sqrt(4 + 1e-5);
  EXPECT_FLOAT_EQ(scaling.scale[0], static_cast<float>(scale));
  EXPECT_FLOAT_EQ(scaling.shift[0], static_cast<float>(3 - 5 * scale));
  const FeatureScaling plain = batch_norm({}, {}, mean, variance);
  EXPECT_FLOAT_EQ(plain.scale[0], static_cast<float>(scale / 2));
}

TEST(BatchNorm, FoldedGivesTheSameOutputs) {
  const std::vector<float> x = {3, -7};
  const FeatureScaling three{{2, -1, 0.5F}, {1, 0, -4}};
  Linear after = some_layer();
  fold_after(after, three);
  std::vector<float> expected = outputs(some_layer(), x);
  for (std::size_t o = 0; o < 3; ++o) expected[o] = expected[o] * three.scale[o] + three.shift[o];
  EXPECT_EQ(outputs(after, x), expected);

  const FeatureScaling two{{2, -1}, {0.5F, 8}};
  Linear before = some_layer();
  fold_before(two, before);
  EXPECT_EQ(outputs(before, x), outputs(some_layer(), {x[0] * two.scale[0] + two.shift[0],
                                                       x[1] * two.scale[1] + two.shift[1]}));
}

}  // namespace
}  // namespace nibble
