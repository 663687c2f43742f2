// What `nibble inspect` shows of a network: one line for each step of the equivalent PyTorch
// nn.Sequential (Linear, ReLU, Dropout, ..., Linear), numbered as there.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nibble/model/model.h"

namespace nibble {

struct LayerSummary {
  std::string name;  // "0: Linear", "1: ReLU", "2: Dropout (0.3)"
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t parameters = 0;
  std::size_t multiply_adds = 0;  // for one row with no zero in it
  std::size_t bytes = 0;          // weights, scales and bias as a model file stores them
  std::string
      encoding;  // "f32", "int8", "int4, groups of 32 outputs", "int3:1x32"; empty without weights
};

struct ModelSummary {
  std::vector<LayerSummary> layers;
  LayerSummary total;  // name, parameters, multiply_adds and bytes
};

// The dropout rate comes from the provenance, where it is known; it acts in training only.
ModelSummary summarize(const Model& model);

// Aligned columns, one line for each layer, a rule, the total. Ends with a newline.
std::string render(const ModelSummary& summary);

}  // namespace nibble
