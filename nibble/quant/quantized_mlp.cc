#include "nibble/quant/quantized_mlp.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "nibble/core/error.h"
#include "nibble/quant/low_rank.h"

namespace nibble {
namespace {

float largest_weight(Scheme scheme) {
  switch (scheme) {
    case Scheme::kF16:
      return kLargestF16;
    case Scheme::kBf16:
      return kLargestBf16;
    case Scheme::kInt4:
      return kLargestInt4;
    default:
      return std::numeric_limits<float>::max();
  }
}

float largest_weight(const Encoding& encoding) {
  if (const auto* scheme = std::get_if<Scheme>(&encoding)) return largest_weight(*scheme);
  return kLargestF16;  // scales and centroids are float16
}

[[noreturn]] void throw_weight_error(std::size_t layer, std::size_t input, std::size_t output,
                                     float weight, const Encoding& encoding) {
  if (!std::isfinite(weight))
    throw_error(
        "cannot quantize layer {}: the weight of input {} to output {} is {}; expected a finite "
        "number, so train the model again with a lower learning rate",
        layer, input, output, weight);
  throw_error(
      "cannot quantize layer {} to {}: the weight of input {} to output {} is {}, more than the "
      "largest possible {}; use int8 or bf16",
      layer, text_of(encoding), input, output, weight, largest_weight(encoding));
}

// NaN fails the comparison as well.
bool fits(float weight, float largest) { return std::fabs(weight) <= largest; }

void require_weights(const Matrix<float>& weight, std::size_t layer, const Encoding& encoding) {
  const float largest = largest_weight(encoding);
  for (std::size_t i = 0; i < weight.rows; ++i) {
    const auto row = weight.row(i);
    for (std::size_t o = 0; o < row.size(); ++o) {
      if (!fits(row[o], largest)) throw_weight_error(layer, i, o, row[o], encoding);
    }
  }
}

void require_biases(const Linear& linear, std::size_t layer) {
  for (std::size_t o = 0; o < linear.bias.size(); ++o) {
    if (!std::isfinite(linear.bias[o]))
      throw_error(
          "cannot quantize layer {}: the bias of output {} is {}; expected a finite number, so "
          "train the model again with a lower learning rate",
          layer, o, linear.bias[o]);
  }
}

EncodedMatrix encode_scheme(const Matrix<float>& weight, Scheme scheme, GroupAxis axis) {
  switch (scheme) {
    case Scheme::kF16:
      return encode_f16(weight);
    case Scheme::kBf16:
      return encode_bf16(weight);
    case Scheme::kInt8:
      return encode_int8(weight);
    case Scheme::kInt8Torch:
      return encode_int8_torch(weight);
    case Scheme::kInt4:
      return encode_int4(weight, axis);
    case Scheme::kF32:
    case Scheme::kMixed:
      break;
  }
  return weight;
}

void append_layer(const Linear& linear, std::size_t layer, const LayerRecipe& recipe,
                  GroupAxis axis, std::vector<QuantizedLinear>& to) {
  if (recipe.rank == 0) {
    require_weights(linear.weight, layer, recipe.encoding);
    to.push_back({encode(linear.weight, recipe.encoding, axis), linear.bias});
    return;
  }
  require_weights(linear.weight, layer, Scheme::kF32);
  const Factors factors = factorize(linear.weight, recipe.rank);
  require_weights(factors.first, layer, recipe.encoding);
  require_weights(factors.second, layer, recipe.second);
  to.push_back(
      {encode(factors.first, recipe.encoding, axis), AlignedVector<float>(recipe.rank), true});
  to.push_back({encode(factors.second, recipe.second, GroupAxis::kInputs), linear.bias});
}

// Plain ones only; kMixed for all others.
Scheme scheme_of(const EncodedMatrix& matrix) {
  constexpr std::array kByIndex = {Scheme::kF32,   Scheme::kF16,       Scheme::kBf16,
                                   Scheme::kInt8,  Scheme::kInt8Torch, Scheme::kInt4,
                                   Scheme::kMixed, Scheme::kMixed};
  static_assert(kByIndex.size() == std::variant_size_v<EncodedMatrix>);
  return kByIndex[matrix.index()];
}

}  // namespace

MlpShape QuantizedMlp::shape() const {
  MlpShape result{inputs(), {}, outputs()};
  for (std::size_t i = 0; i + 1 < layers.size(); ++i)
    result.hidden.push_back(output_count(layers[i].weight));
  return result;
}

void require_integer_inputs(Scheme scheme, std::size_t inputs) {
  if (scheme != Scheme::kInt8 && scheme != Scheme::kInt8Torch) return;
  if (inputs <= kMostIntegerInputs) return;
  throw_error(
      "a layer of {} inputs is too wide for {}, whose 32-bit sums hold {}; use int4 or f16, or "
      "fewer "
      "features",
      inputs, name_of(scheme), kMostIntegerInputs);
}

void require_integer_inputs(const EncodedMatrix& weight) {
  require_integer_inputs(scheme_of(weight), input_count(weight));
}

EncodedMatrix encode(const Matrix<float>& weight, const Encoding& encoding, GroupAxis axis) {
  if (const auto* scheme = std::get_if<Scheme>(&encoding))
    return encode_scheme(weight, *scheme, axis);
  if (const auto* form = std::get_if<PqForm>(&encoding)) return encode_pq(weight, *form);
  return encode_grouped(weight, form_of(std::get<GroupedChoice>(encoding), axis));
}

Scheme common_scheme(const std::vector<QuantizedLinear>& layers) {
  const Scheme first = scheme_of(layers.front().weight);
  for (const QuantizedLinear& layer : layers) {
    if (layer.is_factor || layer.input || scheme_of(layer.weight) != first) return Scheme::kMixed;
  }
  return first;
}

QuantizedMlp quantize(const Mlp& mlp, const Recipe& recipe, InputKind inputs) {
  const std::vector<LayerRecipe> layers = recipe.layers(mlp.layers.size());
  QuantizedMlp quantized;
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
    const Linear& linear = mlp.layers[l];
    if (const auto* scheme = std::get_if<Scheme>(&layers[l].encoding))
      require_integer_inputs(*scheme, linear.inputs());
    require_biases(linear, l);
    append_layer(linear, l, layers[l], group_axis(l, inputs), quantized.layers);
  }
  quantized.scheme = common_scheme(quantized.layers);
  return quantized;
}

Mlp dequantize(const QuantizedMlp& quantized) {
  Mlp mlp;
  Matrix<float> factor;
  for (const QuantizedLinear& layer : quantized.layers) {
    Matrix<float> weight = decode(layer.weight);
    if (!factor.values.empty()) weight = product(factor, weight);
    factor = {};
    if (layer.is_factor) {
      factor = std::move(weight);
      continue;
    }
    Linear linear;
    linear.weight = std::move(weight);
    linear.bias = layer.bias;
    mlp.layers.push_back(std::move(linear));
  }
  return mlp;
}

}  // namespace nibble
