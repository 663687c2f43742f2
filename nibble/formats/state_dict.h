// A network out of a PyTorch state_dict.
#pragma once

#include <variant>

#include "nibble/formats/pickle_value.h"
#include "nibble/formats/torch_tensors.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

// The tensors must be those of Linear layers in their order, each of which gives what the next one
// takes, under any names that end in "weight" and "bias". A layer without a bias gets one of zeros.
// A BatchNorm1d is folded where a state_dict shows that this is exact:
//   into the Linear before it  when its name ends in no number ("bn1"), or in the one that follows
//                              the Linear's (nn.Sequential: "0" and "1")
//   into the Linear after it   when no Linear stands before it, or an activation does (a number
//                              between is missing), and the numbers of both follow each other
// Anything else is an Error that names it.
//
// All layers from quantize_dynamic give a QuantizedMlp: int8-torch for weights quantized per
// tensor, int8 for weights per channel; zero points other than 0 are an Error. So do weights that
// are all f16, or all bf16, where no BatchNorm is folded into them; other floats become float32.
std::variant<Mlp, QuantizedMlp> network_from(const PickleDict& state, TorchTensors& tensors);

}  // namespace nibble
