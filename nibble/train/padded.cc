#include "nibble/train/padded.h"

#include <algorithm>

namespace nibble {

Moments padded_bias(const Linear& layer) {
  Moments bias(padded(layer.outputs()));
  std::ranges::copy(layer.bias, bias.value.begin());
  return bias;
}

DenseLayer::DenseLayer(const Linear& layer)
    : inputs(layer.inputs()),
      outputs(layer.outputs()),
      width(padded(outputs)),
      weight(inputs * width),
      bias(padded_bias(layer)) {
  for (std::size_t i = 0; i < inputs; ++i)
    std::ranges::copy(layer.weight.row(i), weight.value.begin() + i * width);
}

void DenseLayer::write_to(Linear& layer) const {
  for (std::size_t i = 0; i < inputs; ++i)
    std::copy_n(weight.value.begin() + i * width, outputs, layer.weight.row(i).begin());
  std::copy_n(bias.value.begin(), outputs, layer.bias.begin());
}

}  // namespace nibble
