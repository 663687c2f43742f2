// A network as the state_dict of an nn.Sequential(Linear, ReLU, Dropout, ..., Linear).
#pragma once

#include "nibble/formats/torch_pickle.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

// "0.weight" [outputs][inputs] float32, "0.bias", "3.weight", ... The network must outlive the
// records.
void write_state_dict(TorchPickle& pickle, const Mlp& mlp);

// f16 and bf16: the same with weights of that type. int8-torch and int8: that of the network after
// torch.quantization.quantize_dynamic, with qint8 weights per tensor or per channel. An Error for
// an encoding that PyTorch does not have.
void write_state_dict(TorchPickle& pickle, const QuantizedMlp& mlp);

}  // namespace nibble
