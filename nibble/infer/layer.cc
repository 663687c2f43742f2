#include "nibble/infer/layer.h"

#include <memory>
#include <utility>
#include <variant>

namespace nibble {

std::unique_ptr<const Layer> prepare_layer(Linear linear, LayerPlace place) {
  return prepare(std::move(linear.weight), linear.bias, place);
}

std::unique_ptr<const Layer> prepare_layer(QuantizedLinear linear, LayerPlace place) {
  return std::visit([&](auto& weight) { return prepare(std::move(weight), linear.bias, place); },
                    linear.weight);
}

}  // namespace nibble
