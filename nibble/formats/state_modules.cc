#include "nibble/formats/state_modules.h"

#include <array>
#include <map>
#include <optional>

#include "nibble/core/error.h"
#include "nibble/formats/torch_tensors.h"

namespace nibble {
namespace {

// The last words of the names that layers use, and where their tensors belong.
struct Place {
  std::string_view ending;
  const PickleTensor* StateModule::*tensor = nullptr;
  std::size_t fewest_dimensions = 0;
  std::size_t most_dimensions = 0;
};

constexpr std::array kPlaces = {
    Place{"weight", &StateModule::weight, 1, 2},
    Place{"bias", &StateModule::bias, 1, 1},
    Place{"running_mean", &StateModule::running_mean, 1, 1},
    Place{"running_var", &StateModule::running_var, 1, 1},
    Place{"scale", &StateModule::scale, 0, 0},
};

// Of no meaning for what a network answers.
constexpr std::array<std::string_view, 3> kIgnored = {"num_batches_tracked", "zero_point",
                                                      "_packed_params.dtype"};
// quantize_dynamic's Linear: a pair of weight and bias.
constexpr std::string_view kPacked = "_packed_params._packed_params";

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
      "the tensor '{}' of shape {} belongs neither to a Linear layer nor to a BatchNorm1d; only "
      "networks of Linear layers with ReLU between them can be read",
      name, shape_text(tensor.shape));
}

[[noreturn]] void refuse_value(std::string_view name, const PickleValue& value) {
  if (value.as<PickleDict>() != nullptr) {
    throw_error(
        "the checkpoint has no model_state_dict, state_dict or model, but a dict under '{0}'; if "
        "the state_dict is there, give its key: --key {0}",
        name);
  }
  throw_error("the state_dict has {} under '{}'; expected a tensor", kind_of(value), name);
}

class Grouping {
 public:
  void add(std::string_view name, const PickleValue& value) {
    for (const std::string_view ending : kIgnored) {
      if (stem_of(name, ending)) return;
    }
    if (const auto stem = stem_of(name, kPacked)) return add_packed(*stem, name, value);
    const PickleTensor* tensor = value.as_tensor();
    if (tensor == nullptr) refuse_value(name, value);
    add_tensor(name, *tensor);
  }

  std::vector<StateModule> finish() && { return std::move(modules_); }

 private:
  StateModule& module(std::string_view name) {
    const auto [found, is_new] = places_.try_emplace(name, modules_.size());
    if (is_new) modules_.emplace_back().name = name;
    return modules_[found->second];
  }

  void add_tensor(std::string_view name, const PickleTensor& tensor) {
    for (const Place& place : kPlaces) {
      const auto stem = stem_of(name, place.ending);
      if (!stem) continue;
      const std::size_t dimensions = tensor.shape.size();
      if (dimensions < place.fewest_dimensions || dimensions > place.most_dimensions) break;
      return fill(module(*stem).*place.tensor, tensor, name);
    }
    refuse_tensor(name, tensor);
  }

  void add_packed(std::string_view stem, std::string_view name, const PickleValue& value) {
    const auto* pair = value.as<PickleTuple>();
    const bool is_pair = pair != nullptr && pair->items.size() == 2;
    const PickleTensor* weight = is_pair ? pair->items[0]->as_tensor() : nullptr;
    const PickleTensor* bias = is_pair ? pair->items[1]->as_tensor() : nullptr;
    const bool has_bias = bias != nullptr || (is_pair && pair->items[1]->as<PickleNone>());
    if (weight == nullptr || weight->shape.size() != 2 || !has_bias ||
        (bias != nullptr && bias->shape.size() != 1)) {
      throw_error("'{}' of the state_dict is {}; expected a weight and a bias", name,
                  kind_of(value));
    }
    StateModule& layer = module(stem);
    fill(layer.weight, *weight, name);
    layer.bias = bias;
  }

  static void fill(const PickleTensor*& place, const PickleTensor& tensor, std::string_view name) {
    if (place != nullptr) throw_error("the tensor '{}' stands twice in the checkpoint", name);
    place = &tensor;
  }

  std::vector<StateModule> modules_;
  std::map<std::string_view, std::size_t> places_;
};

// A weight with one dimension is a BatchNorm's, or another norm's, which has no running figures.
void require_known(const StateModule& module) {
  const bool is_norm = module.running_mean != nullptr && module.running_var != nullptr &&
                       (module.weight == nullptr || module.weight->shape.size() == 1);
  if (is_norm && (module.weight == nullptr) == (module.bias == nullptr)) return;
  if (module.running_mean != nullptr || module.running_var != nullptr)
    throw_error("the BatchNorm '{}' lacks a part of what makes it one", module.name);
  if (module.weight == nullptr)
    throw_error("the layer '{}' has no weight; expected a weight and a bias", module.name);
  if (module.weight->shape.size() == 2) return;
  throw_error(
      "'{}' has a weight of shape {} and no running mean: no Linear layer and no BatchNorm1d, and "
      "nothing else can be read",
      module.name, shape_text(module.weight->shape));
}

}  // namespace

std::vector<StateModule> modules_of(const PickleDict& state) {
  Grouping grouping;
  for (const auto& [key, value] : state.entries) {
    const auto* name = key->as<std::string_view>();
    if (name == nullptr) throw_error("the state_dict has {} as a name", kind_of(*key));
    grouping.add(*name, *value);
  }
  std::vector<StateModule> modules = std::move(grouping).finish();
  for (const StateModule& module : modules) require_known(module);
  return modules;
}

}  // namespace nibble
