// The layers of a state_dict whose weights are stored in fewer bits.
#pragma once

#include <optional>
#include <vector>

#include "nibble/formats/state_modules.h"
#include "nibble/formats/torch_tensors.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

// int8-torch or int8 when the weights are quantized tensors, f16 or bf16 when all are of that type
// and no BatchNorm has to be folded into them, else nothing: a float32 network. An Error when
// quantized layers differ, or a BatchNorm stands between them.
std::optional<Scheme> quantized_scheme(const std::vector<StateModule>& modules);

// `scheme` is what quantized_scheme said about these modules.
QuantizedMlp quantized_network(const std::vector<StateModule>& modules, Scheme scheme,
                               TorchTensors& tensors);

// Zeros when the layer has none; to be asked after its weight was read, which has checked its size.
AlignedVector<float> bias_of(const StateModule& layer, TorchTensors& tensors);

}  // namespace nibble
