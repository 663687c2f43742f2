#include "nibble/formats/quantized_state.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

// Of a layer by itself; nothing for one of float32 or float64.
std::optional<Scheme> scheme_of(const StateModule& layer) {
  if (layer.weight->quantizer)
    return layer.weight->quantizer->per_channel ? Scheme::kInt8 : Scheme::kInt8Torch;
  const ElementType type = layer.weight->storage.element;
  if (type == ElementType::kF16) return Scheme::kF16;
  if (type == ElementType::kBf16) return Scheme::kBf16;
  return std::nullopt;
}

bool has_integers(std::optional<Scheme> scheme) {
  return scheme == Scheme::kInt8 || scheme == Scheme::kInt8Torch;
}

std::string_view text_of(std::optional<Scheme> scheme) {
  return scheme ? name_of(*scheme) : "float";
}

[[noreturn]] void refuse_zero_point(std::string_view name) {
  throw_error(
      "the weight of '{}' is quantized with a zero point other than 0; quantize it symmetrically, "
      "as quantize_dynamic does by default",
      name);
}

float scale_of(const StateModule& layer, TorchTensors& tensors) {
  const PickleQuantizer& quantizer = *layer.weight->quantizer;
  const auto scale = tensors.number(*quantizer.scale);
  if (!scale) throw_error("the weight of '{}' has no number as its scale", layer.name);
  if (tensors.number(*quantizer.zero_point) != 0.0) refuse_zero_point(layer.name);
  return static_cast<float>(*scale);
}

const PickleTensor& channel_tensor(const PickleValue& value, const StateModule& layer) {
  const PickleTensor* tensor = value.as_tensor();
  if (tensor != nullptr && tensor->shape.size() == 1 && tensor->shape[0] == layer.weight->shape[0])
    return *tensor;
  throw_error("the weight of '{}' has {} as its scales or zero points; expected {} numbers",
              layer.name, kind_of(value), layer.weight->shape[0]);
}

AlignedVector<float> channel_scales(const StateModule& layer, TorchTensors& tensors) {
  const PickleQuantizer& quantizer = *layer.weight->quantizer;
  if (quantizer.axis != 0)
    throw_error("the weight of '{}' has scales along its inputs (axis {}); expected axis 0",
                layer.name, quantizer.axis);
  const auto zero_points = tensors.array<std::int64_t>(channel_tensor(*quantizer.zero_point, layer),
                                                       fmt::format("{}.zero_points", layer.name));
  if (std::ranges::any_of(zero_points, [](std::int64_t zero) { return zero != 0; }))
    refuse_zero_point(layer.name);
  const auto scales = tensors.array<double>(channel_tensor(*quantizer.scale, layer),
                                            fmt::format("{}.scales", layer.name));
  AlignedVector<float> result(scales.size());
  std::ranges::transform(scales, result.begin(),
                         [](double scale) { return static_cast<float>(scale); });
  return result;
}

// A Linear of the static quantization rounds its outputs, too.
void require_dynamic(const StateModule& layer, TorchTensors& tensors) {
  if (layer.scale == nullptr || tensors.number(*layer.scale) == 1.0) return;
  throw_error(
      "the layer '{}' is quantized statically: it rounds its outputs, too; only the state_dict of "
      "quantize_dynamic can be read",
      layer.name);
}

EncodedMatrix weight_of(const StateModule& layer, Scheme scheme, TorchTensors& tensors) {
  const std::string name = fmt::format("{}.weight", layer.name);
  switch (scheme) {
    case Scheme::kInt8:
      return Int8Matrix{tensors.codes<std::int8_t>(*layer.weight, name),
                        channel_scales(layer, tensors)};
    case Scheme::kInt8Torch:
      return Int8TorchMatrix{tensors.codes<std::int8_t>(*layer.weight, name),
                             scale_of(layer, tensors)};
    case Scheme::kF16:
      return F16Matrix{tensors.codes<std::uint16_t>(*layer.weight, name)};
    default:
      return Bf16Matrix{tensors.codes<std::uint16_t>(*layer.weight, name)};
  }
}

}  // namespace

AlignedVector<float> bias_of(const StateModule& layer, TorchTensors& tensors) {
  if (layer.bias == nullptr) return AlignedVector<float>(layer.weight->shape[0]);
  return tensors.vector(*layer.bias, fmt::format("{}.bias", layer.name));
}

std::optional<Scheme> quantized_scheme(const std::vector<StateModule>& modules) {
  std::optional<std::optional<Scheme>> all;
  const StateModule* norm = nullptr;
  for (const StateModule& module : modules) {
    if (module.is_batch_norm()) {
      norm = &module;
      continue;
    }
    const auto scheme = scheme_of(module);
    if (!all) all = scheme;
    if (*all == scheme) continue;
    if (has_integers(*all) || has_integers(scheme))
      throw_error("the layer '{}' is {}, but the layers before it are {}; expected one kind",
                  module.name, text_of(scheme), text_of(*all));
    all = std::optional<Scheme>();  // different floats meet as float32
  }
  if (norm == nullptr) return *all;
  if (has_integers(*all))
    throw_error("the BatchNorm '{}' cannot be folded into quantized layers", norm->name);
  return std::nullopt;
}

QuantizedMlp quantized_network(const std::vector<StateModule>& modules, Scheme scheme,
                               TorchTensors& tensors) {
  QuantizedMlp network;
  network.scheme = scheme;
  for (const StateModule& layer : modules) {
    require_dynamic(layer, tensors);
    EncodedMatrix weight = weight_of(layer, scheme, tensors);
    network.layers.push_back({std::move(weight), bias_of(layer, tensors)});
  }
  return network;
}

}  // namespace nibble
