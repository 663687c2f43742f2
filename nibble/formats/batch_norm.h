// BatchNorm1d folded into the Linear layer beside it, which changes no answer.
#pragma once

#include "nibble/core/aligned.h"
#include "nibble/network/mlp.h"

namespace nibble {

// What a BatchNorm1d does once training is over: y = scale * x + shift, for each feature.
struct FeatureScaling {
  AlignedVector<float> scale;
  AlignedVector<float> shift;
};

// PyTorch's default; a state_dict does not say it.
inline constexpr double kBatchNormEpsilon = 1e-5;

// scale = weight / sqrt(variance + epsilon), shift = bias - mean * scale, in double. An empty
// weight stands for ones, an empty bias for zeros (affine=False). All of one size.
FeatureScaling batch_norm(std::span<const float> weight, std::span<const float> bias,
                          std::span<const float> mean, std::span<const float> variance);

// Linear, then scaling: as many features as the layer has outputs.
void fold_after(Linear& layer, const FeatureScaling& scaling);
// Scaling, then Linear: as many features as the layer has inputs.
void fold_before(const FeatureScaling& scaling, Linear& layer);

}  // namespace nibble
