// QuantizedMlp: a network as it is stored, the second of three stages (Mlp -> QuantizedMlp ->
// PreparedMlp).
#pragma once

#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/encodings.h"
#include "nibble/quant/scheme.h"

namespace nibble {

struct QuantizedLinear {
  EncodedMatrix weight;
  AlignedVector<float> bias;  // [outputs], always float32
  friend bool operator==(const QuantizedLinear&, const QuantizedLinear&) = default;
};

struct QuantizedMlp {
  Scheme scheme = Scheme::kF32;
  std::vector<QuantizedLinear> layers;

  std::size_t inputs() const { return input_count(layers.front().weight); }
  std::size_t outputs() const { return output_count(layers.back().weight); }
  MlpShape shape() const;
  friend bool operator==(const QuantizedMlp&, const QuantizedMlp&) = default;
};

// What the first layer will be fed with: decides how int4 groups lie there (encodings.h,
// GroupAxis).
enum class InputKind { kSparse, kDense };

// Encodes every layer. The bias stays float32. An Error if a weight is NaN or infinite.
QuantizedMlp quantize(const Mlp& mlp, Scheme scheme, InputKind inputs);

// The float network that the stored codes stand for.
Mlp dequantize(const QuantizedMlp& quantized);

}  // namespace nibble
