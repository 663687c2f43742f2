#include "nibble/formats/batch_norm.h"

#include <cassert>
#include <cmath>
#include <vector>

namespace nibble {

FeatureScaling batch_norm(std::span<const float> weight, std::span<const float> bias,
                          std::span<const float> mean, std::span<const float> variance) {
  FeatureScaling scaling{AlignedVector<float>(mean.size()), AlignedVector<float>(mean.size())};
  for (std::size_t f = 0; f < mean.size(); ++f) {
    const double factor = weight.empty() ? 1.0 : static_cast<double>(weight[f]);
    const double start = bias.empty() ? 0.0 : static_cast<double>(bias[f]);
    const double scale = factor / std::sqrt(static_cast<double>(variance[f]) + kBatchNormEpsilon);
    scaling.scale[f] = static_cast<float>(scale);
    scaling.shift[f] = static_cast<float>(start - static_cast<double>(mean[f]) * scale);
  }
  return scaling;
}

void fold_after(Linear& layer, const FeatureScaling& scaling) {
  assert(scaling.scale.size() == layer.outputs());
  for (std::size_t i = 0; i < layer.inputs(); ++i) {
    const auto row = layer.weight.row(i);
    for (std::size_t o = 0; o < row.size(); ++o) row[o] *= scaling.scale[o];
  }
  for (std::size_t o = 0; o < layer.outputs(); ++o)
    layer.bias[o] = layer.bias[o] * scaling.scale[o] + scaling.shift[o];
}

void fold_before(const FeatureScaling& scaling, Linear& layer) {
  assert(scaling.scale.size() == layer.inputs());
  std::vector<double> bias(layer.bias.begin(), layer.bias.end());
  for (std::size_t i = 0; i < layer.inputs(); ++i) {
    const auto row = layer.weight.row(i);
    for (std::size_t o = 0; o < row.size(); ++o) {
      bias[o] += static_cast<double>(scaling.shift[i]) * static_cast<double>(row[o]);
      row[o] *= scaling.scale[i];
    }
  }
  for (std::size_t o = 0; o < bias.size(); ++o) layer.bias[o] = static_cast<float>(bias[o]);
}

}  // namespace nibble
