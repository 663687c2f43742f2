#include "nibble/formats/state_dict.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

// Both tensors of a Linear layer under their common name ("3", "module.classifier").
struct LinearTensors {
  std::string_view name;
  const PickleTensor* weight = nullptr;
  const PickleTensor* bias = nullptr;
};

// The part of "3.weight" before ".weight"; nothing when the name ends differently.
std::optional<std::string_view> stem_of(std::string_view name, std::string_view ending) {
  if (name == ending) return std::string_view();
  if (!name.ends_with(ending)) return std::nullopt;
  name.remove_suffix(ending.size());
  if (!name.ends_with('.')) return std::nullopt;
  name.remove_suffix(1);
  return name;
}

[[noreturn]] void refuse_tensor(std::string_view name, const PickleTensor& tensor) {
  throw_error(
      "the tensor '{}' of shape {} is not the weight or bias of a Linear layer; only networks "
      "of Linear layers with ReLU between them can be read",
      name, shape_text(tensor.shape));
}

// Tensors come in the order of the state_dict, which is the order of the layers.
void add_tensor(std::vector<LinearTensors>& layers, std::string_view name,
                const PickleTensor& tensor) {
  const auto weight_stem = stem_of(name, "weight");
  const auto stem = weight_stem ? weight_stem : stem_of(name, "bias");
  if (!stem || tensor.shape.size() != (weight_stem ? 2 : 1)) refuse_tensor(name, tensor);
  if (layers.empty() || layers.back().name != *stem) layers.push_back({*stem, nullptr, nullptr});
  const PickleTensor*& place = weight_stem ? layers.back().weight : layers.back().bias;
  if (place != nullptr) throw_error("the tensor '{}' stands twice in the checkpoint", name);
  place = &tensor;
}

std::vector<LinearTensors> linear_layers(const PickleDict& state) {
  std::vector<LinearTensors> layers;
  for (const auto& [key, value] : state.entries) {
    const auto* name = key->as<std::string_view>();
    if (name == nullptr) throw_error("the state_dict has {} as a name", kind_of(*key));
    const PickleTensor* tensor = value->as_tensor();
    if (tensor == nullptr)
      throw_error("the state_dict has {} under '{}'; expected a tensor", kind_of(*value), *name);
    add_tensor(layers, *name, *tensor);
  }
  return layers;
}

}  // namespace

Mlp network_from(const PickleDict& state, TorchTensors& tensors) {
  Mlp mlp;
  for (const LinearTensors& found : linear_layers(state)) {
    if (found.weight == nullptr || found.bias == nullptr)
      throw_error("the layer '{}' has no {}; expected a weight and a bias", found.name,
                  found.weight == nullptr ? "weight" : "bias");
    Linear layer;
    layer.weight = tensors.transposed(*found.weight, fmt::format("{}.weight", found.name));
    layer.bias = tensors.vector(*found.bias, fmt::format("{}.bias", found.name));
    mlp.layers.push_back(std::move(layer));
  }
  if (mlp.layers.empty()) throw_error("the checkpoint has no tensors; expected Linear layers");
  return mlp;
}

}  // namespace nibble
