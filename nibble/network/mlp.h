// Mlp: a multi-layer perceptron with trained float32 parameters, the first of a network's three
// stages (Mlp -> QuantizedMlp -> PreparedMlp).
//
// Layer l computes y = x W + b; ReLU follows every layer but the last, whose outputs are the
// logits. Dropout acts in training only. Weights are stored input-major, [inputs][outputs]: one
// feature's weights are contiguous, so a sparse row is a sum of matrix rows. (PyTorch stores the
// transpose, [outputs][inputs]; the formats room turns it round.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nibble/core/aligned.h"

namespace nibble {

struct Linear {
  Matrix<float> weight;       // [inputs][outputs]
  AlignedVector<float> bias;  // [outputs]

  Linear() = default;
  Linear(std::size_t inputs, std::size_t outputs) : weight(inputs, outputs), bias(outputs) {}
  std::size_t inputs() const { return weight.rows; }
  std::size_t outputs() const { return weight.columns; }
  std::size_t parameters() const { return weight.values.size() + bias.size(); }
  friend bool operator==(const Linear&, const Linear&) = default;
};

// Sizes of the layers: inputs, hidden sizes, outputs.
struct MlpShape {
  std::size_t inputs = 0;
  std::vector<std::size_t> hidden;
  std::size_t outputs = 0;

  // {inputs, hidden..., outputs}
  std::vector<std::size_t> sizes() const;
  std::size_t parameters() const;
  friend bool operator==(const MlpShape&, const MlpShape&) = default;
};

struct Mlp {
  std::vector<Linear> layers;

  Mlp() = default;
  // All parameters zero. An Error if any size is 0.
  explicit Mlp(const MlpShape& shape);

  std::size_t inputs() const { return layers.front().inputs(); }
  std::size_t outputs() const { return layers.back().outputs(); }
  MlpShape shape() const;
  std::size_t parameters() const;
  friend bool operator==(const Mlp&, const Mlp&) = default;
};

// PyTorch's default for nn.Linear to the bit: after torch.manual_seed(seed), an nn.Sequential of
// layers of this shape has these parameters. Weights, then biases, of each layer are uniform in
// +-1/sqrt(inputs). (torch.nn.Linear.reset_parameters: kaiming_uniform_(a=sqrt(5)) comes to the
// same bound.)
Mlp initialised_mlp(const MlpShape& shape, std::uint32_t seed);

}  // namespace nibble
