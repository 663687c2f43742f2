#include "nibble/infer/layer.h"

#include <memory>
#include <utility>
#include <variant>

#include "nibble/quant/kernel_form.h"

namespace nibble {

std::unique_ptr<const Layer> prepare_layer(Linear linear, LayerPlace place) {
  return prepare(std::move(linear.weight), linear.bias, place);
}

std::unique_ptr<const Layer> prepare_layer(QuantizedLinear linear, LayerPlace place) {
  place.input = linear.input;
  EncodedMatrix form = kernel_form(std::move(linear.weight));
  return std::visit([&](auto& weight) { return prepare(std::move(weight), linear.bias, place); },
                    form);
}

std::unique_ptr<const Layer> prepare(const GroupedMatrix& weight, std::span<const float> bias,
                                     LayerPlace place) {
  return prepare_layer(QuantizedLinear{weight, {bias.begin(), bias.end()}}, place);
}

std::unique_ptr<const Layer> prepare(const PqMatrix& weight, std::span<const float> bias,
                                     LayerPlace place) {
  return prepare_layer(QuantizedLinear{weight, {bias.begin(), bias.end()}}, place);
}

}  // namespace nibble
