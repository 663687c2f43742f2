#include "nibble/network/mlp.h"

#include <cmath>
#include <numeric>
#include <span>

#include "nibble/core/error.h"
#include "nibble/core/random.h"

namespace nibble {
namespace {

// Four numbers of the stream for each counter; `tensor` keeps weights and biases of all layers
// apart.
void fill_uniform(std::span<float> values, float bound, std::uint32_t seed, std::uint64_t tensor) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto words = philox({seed, RandomStream::kInitialise}, i / 4, tensor);
    values[i] = (2.0F * unit_float(words[i % 4]) - 1.0F) * bound;
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
  for (std::size_t i = 0; i < mlp.layers.size(); ++i) {
    Linear& layer = mlp.layers[i];
    const auto bound = static_cast<float>(1.0 / std::sqrt(static_cast<double>(layer.inputs())));
    fill_uniform(layer.weight.values, bound, seed, 2 * i);
    fill_uniform(layer.bias, bound, seed, 2 * i + 1);
  }
  return mlp;
}

}  // namespace nibble
