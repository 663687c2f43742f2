// QuantizedMlp: a network as it is stored, the second of three stages (Mlp -> QuantizedMlp ->
// PreparedMlp).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/activations.h"
#include "nibble/quant/encodings.h"
#include "nibble/quant/recipe.h"
#include "nibble/quant/scheme.h"

namespace nibble {

struct QuantizedLinear {
  EncodedMatrix weight;
  AlignedVector<float> bias;  // [outputs], always float32
  // The first of two factors of one layer: no ReLU follows. Its bias is 0.
  bool is_factor = false;
  // int8 weights only: how inputs become integers, where that was fixed before (static_range.h).
  std::optional<CallQuantization> input = std::nullopt;
  friend bool operator==(const QuantizedLinear&, const QuantizedLinear&) = default;
};

// For code that goes through the layers of either stage.
inline bool is_factor(const Linear& /*layer*/) { return false; }
inline bool is_factor(const QuantizedLinear& layer) { return layer.is_factor; }

struct QuantizedMlp {
  // What all layers are stored in; kMixed when they differ, when one is a factor or has a fixed
  // range of inputs, or for encodings beyond scheme.h's.
  Scheme scheme = Scheme::kF32;
  std::vector<QuantizedLinear> layers;

  std::size_t inputs() const { return input_count(layers.front().weight); }
  std::size_t outputs() const { return output_count(layers.back().weight); }
  // A factor's outputs count as hidden ones.
  MlpShape shape() const;
  friend bool operator==(const QuantizedMlp&, const QuantizedMlp&) = default;
};

// The most inputs a layer may have in int8 and int8-torch: 255 * 127 * 65536 and 128 * 128 * 65536
// stay below 2^31, so that no int32 sum of products overflows.
inline constexpr std::size_t kMostIntegerInputs = 65536;

// What the first layer will be fed with: decides how int4 groups lie there (int4.h, GroupAxis).
enum class InputKind { kSparse, kDense };
// The way groups lie in the layer of this number, or in the first of its factors.
inline GroupAxis group_axis(std::size_t layer, InputKind inputs) {
  return layer == 0 && inputs == InputKind::kSparse ? GroupAxis::kOutputs : GroupAxis::kInputs;
}

// Encodes every layer as the recipe says, and layers of a rank as two. The bias stays float32. An
// Error that names the layer, input and output (all counted from 0) if a weight or bias is NaN or
// infinite, or larger than the scheme can hold; an Error if a layer has more than
// kMostIntegerInputs inputs and the scheme sums in int32, or if the recipe does not fit the
// network.
QuantizedMlp quantize(const Mlp& mlp, const Recipe& recipe, InputKind inputs);

// One matrix. The axis is that of int4 and of groups.
EncodedMatrix encode(const Matrix<float>& weight, const Encoding& encoding, GroupAxis axis);

// The scheme that these layers make up.
Scheme common_scheme(const std::vector<QuantizedLinear>& layers);

// The float network that the stored codes stand for; factors are multiplied out.
Mlp dequantize(const QuantizedMlp& quantized);

// An Error if a layer of this scheme cannot have so many inputs.
void require_integer_inputs(Scheme scheme, std::size_t inputs);
void require_integer_inputs(const EncodedMatrix& weight);

}  // namespace nibble
