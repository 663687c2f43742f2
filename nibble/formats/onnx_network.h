// The chain of layers that an ONNX graph computes, found by following its nodes from its input.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "nibble/formats/layer_bytes.h"
#include "nibble/formats/onnx_file.h"
#include "nibble/formats/onnx_values.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

struct OnnxNetwork {
  std::vector<QuantizedLinear> layers;  // each in the encoding that its own constants allow
  float input_scale = 1.0F;             // what the graph multiplies its input with
  std::vector<std::string> labels;      // named by the graph; often none
  LayerBytes storage;
  bool widened = false;  // codes of 8 or 4 bits that became float32
};

struct OnnxReading {
  SharedFile owner;
  bool torch_codes = false;  // int8 with one scale is to stay so (our own int8-torch)
  bool text_front = false;   // operators that make counts of words may stand in front
};

// An Error that names the operator if the graph is no such chain.
OnnxNetwork read_onnx_network(const OnnxFile& file, const OnnxReading& reading);

}  // namespace nibble
