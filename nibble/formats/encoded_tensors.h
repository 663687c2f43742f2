// A network's matrices as the tensors of nibble's model file (nibble_model.h has the table).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/core/shared_file.h"
#include "nibble/formats/safetensors.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"
#include "nibble/quant/recipe.h"

namespace nibble {

// Views of the network's own memory: weight, scales where the scheme has them, bias of each layer.
std::vector<SafeTensor> encoded_tensors(const Mlp& mlp);
std::vector<SafeTensor> encoded_tensors(const QuantizedMlp& mlp);
std::size_t tensor_count(const QuantizedMlp& mlp);

// How a mixed network's layers are stored, in its file: encoding_name() of each, "@" and
// static_range.h's text where the range of the inputs is fixed, "+" after a factor.
// "int5:*x*+,f16,int4:inputs,int8@0.015625"
std::string layer_encodings_text(const QuantizedMlp& mlp);
// An Error unless there is one for each layer.
struct LayerEncoding {
  Encoding encoding = Scheme::kF32;
  GroupAxis axis = GroupAxis::kInputs;  // counts for Scheme::kInt4
  bool is_factor = false;
  std::optional<CallQuantization> input = std::nullopt;
};
std::vector<LayerEncoding> layer_encodings_from(std::string_view text, std::size_t layers);

// "outputs,inputs,inputs"; for int4 only.
std::string group_axes_text(const QuantizedMlp& mlp);
std::vector<GroupAxis> group_axes_from(std::string_view text, std::size_t layers);

// Where a network's tensors lie, and what keeps them there; null when that may go.
struct TensorSource {
  const Safetensors& file;
  SharedFile owner;
};

// Codes that lie at a multiple of 64 stay there and share the source's owner; everything else is
// copied, and its pages are given back. An Error if a tensor is missing or has another type or
// shape than the sizes ask for. `layers` has one entry for each layer.
QuantizedMlp decoded_network(const TensorSource& source, const std::vector<std::size_t>& sizes,
                             const std::vector<LayerEncoding>& layers);

}  // namespace nibble
