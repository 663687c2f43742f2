#include "nibble/network/mlp.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "nibble/core/error.h"
#include "nibble/core/random.h"

namespace nibble {
namespace {

// PyTorch draws [outputs][inputs], output by output; ours stand input by input. So outputs are
// drawn 16 at a time, which is one cache line of ours, and turned round.
void draw_weight(Matrix<float>& weight, float bound, TorchRandom& random) {
  constexpr std::size_t kOutputs = 16;
  const std::size_t inputs = weight.rows;
  AlignedVector<float> drawn(kOutputs * inputs);
  for (std::size_t first = 0; first < weight.columns; first += kOutputs) {
    const std::size_t count = std::min(kOutputs, weight.columns - first);
    random.fill_uniform(std::span(drawn).first(count * inputs), bound);
    for (std::size_t k = 0; k < inputs; ++k) {
      float* row = weight.values.data() + k * weight.columns + first;
      for (std::size_t r = 0; r < count; ++r) row[r] = drawn[r * inputs + k];
    }
  }
}

}  // namespace

std::vector<std::size_t> MlpShape::sizes() const {
  std::vector<std::size_t> all = {inputs};
  all.insert(all.end(), hidden.begin(), hidden.end());
  all.push_back(outputs);
  return all;
}

std::size_t MlpShape::parameters() const {
  const auto all = sizes();
  std::size_t total = 0;
  for (std::size_t i = 1; i < all.size(); ++i) total += all[i - 1] * all[i] + all[i];
  return total;
}

Mlp::Mlp(const MlpShape& shape) {
  const auto all = shape.sizes();
  for (const std::size_t size : all) {
    if (size == 0)
      throw_error("a network layer of size 0 cannot work; expected sizes of 1 or more");
  }
  for (std::size_t i = 1; i < all.size(); ++i) layers.emplace_back(all[i - 1], all[i]);
}

MlpShape Mlp::shape() const {
  MlpShape result{inputs(), {}, outputs()};
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) result.hidden.push_back(layers[i].outputs());
  return result;
}

std::size_t Mlp::parameters() const {
  return std::accumulate(
      layers.begin(), layers.end(), std::size_t{0},
      [](std::size_t sum, const Linear& layer) { return sum + layer.parameters(); });
}

Mlp initialised_mlp(const MlpShape& shape, std::uint32_t seed) {
  Mlp mlp(shape);
  TorchRandom random(seed);
  for (Linear& layer : mlp.layers) {
    const auto bound = static_cast<float>(1.0 / std::sqrt(static_cast<double>(layer.inputs())));
    draw_weight(layer.weight, bound, random);
    random.fill_uniform(layer.bias, bound);
  }
  return mlp;
}

}  // namespace nibble
