#include "nibble/infer/layer.h"

#include <memory>
#include <variant>

namespace nibble {

std::unique_ptr<const Layer> prepare_layer(const Linear& linear, LayerPlace place) {
  return prepare(linear.weight, linear.bias, place);
}

std::unique_ptr<const Layer> prepare_layer(const QuantizedLinear& linear, LayerPlace place) {
  return std::visit([&](const auto& weight) { return prepare(weight, linear.bias, place); },
                    linear.weight);
}

}  // namespace nibble
