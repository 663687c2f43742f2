#include "nibble/quant/quantized_mlp.h"

#include <cmath>
#include <limits>
#include <utility>

#include "nibble/core/error.h"

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

[[noreturn]] void throw_weight_error(std::size_t layer, std::size_t input, std::size_t output,
                                     float weight, Scheme scheme) {
  if (!std::isfinite(weight))
    throw_error(
        "cannot quantize layer {}: the weight of input {} to output {} is {}; expected a finite "
        "number, so train the model again with a lower learning rate",
        layer, input, output, weight);
  throw_error(
      "cannot quantize layer {} to {}: the weight of input {} to output {} is {}, more than the "
      "largest possible {}; use int8 or bf16",
      layer, name_of(scheme), input, output, weight, largest_weight(scheme));
}

// NaN fails the comparison as well.
bool fits(float weight, float largest) { return std::fabs(weight) <= largest; }

void require_weights(const Linear& linear, std::size_t layer, Scheme scheme) {
  const float largest = largest_weight(scheme);
  for (std::size_t i = 0; i < linear.inputs(); ++i) {
    const auto row = linear.weight.row(i);
    for (std::size_t o = 0; o < row.size(); ++o) {
      if (!fits(row[o], largest)) throw_weight_error(layer, i, o, row[o], scheme);
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

EncodedMatrix encode(const Matrix<float>& weight, Scheme scheme, GroupAxis axis) {
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
      break;
  }
  return weight;
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

QuantizedMlp quantize(const Mlp& mlp, Scheme scheme, InputKind inputs) {
  QuantizedMlp quantized{scheme, {}};
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
    const Linear& linear = mlp.layers[l];
    require_integer_inputs(scheme, linear.inputs());
    require_weights(linear, l, scheme);
    require_biases(linear, l);
    const bool sparse = l == 0 && inputs == InputKind::kSparse;
    const GroupAxis axis = sparse ? GroupAxis::kOutputs : GroupAxis::kInputs;
    quantized.layers.push_back({encode(linear.weight, scheme, axis), linear.bias});
  }
  return quantized;
}

Mlp dequantize(const QuantizedMlp& quantized) {
  Mlp mlp;
  for (const QuantizedLinear& layer : quantized.layers) {
    Linear linear;
    linear.weight = decode(layer.weight);
    linear.bias = layer.bias;
    mlp.layers.push_back(std::move(linear));
  }
  return mlp;
}

}  // namespace nibble
