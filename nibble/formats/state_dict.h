// A network out of a PyTorch state_dict.
#pragma once

#include "nibble/formats/pickle_value.h"
#include "nibble/formats/torch_tensors.h"
#include "nibble/network/mlp.h"

namespace nibble {

// The tensors must be the weights ([outputs][inputs]) and biases of Linear layers in their order,
// under any names that end in "weight" and "bias"; anything else is an Error that names it. Whether
// the layers chain is not looked at.
Mlp network_from(const PickleDict& state, TorchTensors& tensors);

}  // namespace nibble
