// A network's matrices as the tensors of nibble's model file (nibble_model.h has the table).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/formats/safetensors.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

// Views of the network's own memory: weight, scales where the scheme has them, bias of each layer.
std::vector<SafeTensor> encoded_tensors(const Mlp& mlp);
std::vector<SafeTensor> encoded_tensors(const QuantizedMlp& mlp);
std::size_t tensors_per_layer(Scheme scheme);

// "outputs,inputs,inputs"; for int4 only.
std::string group_axes_text(const QuantizedMlp& mlp);
std::vector<GroupAxis> group_axes_from(std::string_view text, std::size_t layers);

// The one copy of a load. An Error if a tensor is missing or has another type or shape than the
// sizes ask for. `axes` has one entry for each layer and counts for int4 only.
QuantizedMlp decoded_network(const Safetensors& file, Scheme scheme,
                             const std::vector<std::size_t>& sizes,
                             const std::vector<GroupAxis>& axes);

}  // namespace nibble
