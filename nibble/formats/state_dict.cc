#include "nibble/formats/state_dict.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/batch_norm.h"
#include "nibble/formats/quantized_state.h"
#include "nibble/formats/state_modules.h"

namespace nibble {
namespace {

std::size_t outputs_of(const StateModule& layer) { return layer.weight->shape[0]; }
std::size_t inputs_of(const StateModule& layer) { return layer.weight->shape[1]; }

// "net.3" is number 3 of "net". nn.Sequential counts every module, also those without parameters.
struct Numbered {
  std::string_view list;
  std::uint64_t number = 0;
};

std::optional<Numbered> numbered(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  Numbered result{name.substr(0, name.size() - last.size()), 0};
  const auto parsed = std::from_chars(last.data(), last.data() + last.size(), result.number);
  if (last.empty() || parsed.ec != std::errc() || parsed.ptr != last.data() + last.size())
    return std::nullopt;
  return result;
}

// How many numbers lie between two names of one list; nothing for other names.
std::optional<std::uint64_t> steps_between(std::string_view first, std::string_view second) {
  const auto a = numbered(first);
  const auto b = numbered(second);
  if (!a || !b || a->list != b->list || b->number <= a->number) return std::nullopt;
  return b->number - a->number;
}

// The Linear layers around a BatchNorm, null where there is none.
struct Neighbours {
  const StateModule* before = nullptr;
  const StateModule* after = nullptr;
};

[[noreturn]] void refuse_norm(const StateModule& norm) {
  throw_error(
      "the BatchNorm '{}' stands where it cannot be folded into a Linear layer without changing "
      "answers; expected it directly after a Linear layer, or between a ReLU and a Linear layer",
      norm.name);
}

// Whether to fold into the layer before.
bool belongs_to_layer_before(const StateModule& norm, const Neighbours& around) {
  if (around.before == nullptr) {
    if (around.after == nullptr) refuse_norm(norm);
    return false;
  }
  const auto from_before = steps_between(around.before->name, norm.name);
  const bool directly_after = !numbered(norm.name) || from_before == 1;
  const auto to_after =
      around.after == nullptr ? std::nullopt : steps_between(norm.name, around.after->name);
  // Linear, BatchNorm, Linear: the ReLU that is taken for granted has no place there.
  if (directly_after && from_before && to_after == 1) refuse_norm(norm);
  if (!directly_after && (!from_before || to_after != 1)) refuse_norm(norm);
  return directly_after;
}

FeatureScaling scaling_of(const StateModule& norm, std::size_t features, TorchTensors& tensors) {
  const auto read = [&](const PickleTensor* tensor, std::string_view part) {
    if (tensor == nullptr) return AlignedVector<float>();
    if (tensor->shape[0] != features)
      throw_error("the BatchNorm '{}' is for {} features, but its Linear layer has {}", norm.name,
                  tensor->shape[0], features);
    return tensors.vector(*tensor, fmt::format("{}.{}", norm.name, part));
  };
  const auto weight = read(norm.weight, "weight");
  const auto bias = read(norm.bias, "bias");
  return batch_norm(weight, bias, read(norm.running_mean, "running_mean"),
                    read(norm.running_var, "running_var"));
}

Linear linear_from(const StateModule& found, TorchTensors& tensors) {
  Linear layer;
  layer.weight = tensors.transposed(*found.weight, fmt::format("{}.weight", found.name));
  layer.bias = bias_of(found, tensors);
  return layer;
}

void require_chain(const std::vector<StateModule>& modules) {
  const StateModule* before = nullptr;
  for (const StateModule& layer : modules) {
    if (layer.is_batch_norm()) continue;
    if (before != nullptr && outputs_of(*before) != inputs_of(layer)) {
      throw_error(
          "the layers do not chain: '{}' gives {} numbers, but '{}' after it takes {}; expected "
          "Linear layers in the order in which they are used",
          before->name, outputs_of(*before), layer.name, inputs_of(layer));
    }
    before = &layer;
  }
  if (before == nullptr) throw_error("the checkpoint has no tensors; expected Linear layers");
}

// The Linear layers on both sides of module `at`.
Neighbours around(const std::vector<StateModule>& modules, std::size_t at) {
  Neighbours found;
  for (std::size_t i = at; i-- > 0 && found.before == nullptr;) {
    if (modules[i].is_batch_norm()) refuse_norm(modules[at]);
    found.before = &modules[i];
  }
  if (at + 1 < modules.size() && !modules[at + 1].is_batch_norm()) found.after = &modules[at + 1];
  return found;
}

Mlp float_network(const std::vector<StateModule>& modules, TorchTensors& tensors) {
  Mlp mlp;
  const StateModule* waiting = nullptr;  // a BatchNorm for the next layer
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const StateModule& module = modules[i];
    if (!module.is_batch_norm()) {
      mlp.layers.push_back(linear_from(module, tensors));
      if (waiting != nullptr)
        fold_before(scaling_of(*waiting, inputs_of(module), tensors), mlp.layers.back());
      waiting = nullptr;
    } else if (belongs_to_layer_before(module, around(modules, i))) {
      fold_after(mlp.layers.back(), scaling_of(module, mlp.layers.back().outputs(), tensors));
    } else {
      waiting = &module;
    }
  }
  return mlp;
}

}  // namespace

std::variant<Mlp, QuantizedMlp> network_from(const PickleDict& state, TorchTensors& tensors) {
  const std::vector<StateModule> modules = modules_of(state);
  require_chain(modules);
  if (const auto scheme = quantized_scheme(modules))
    return quantized_network(modules, *scheme, tensors);
  return float_network(modules, tensors);
}

}  // namespace nibble
