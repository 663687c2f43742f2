// The modules of a PyTorch network, as the names in its state_dict tell them.
#pragma once

#include <string_view>
#include <vector>

#include "nibble/formats/pickle_value.h"

namespace nibble {

// What stands under one common name ("3", "module.classifier"). Null: the state_dict has no such
// tensor.
struct StateModule {
  std::string_view name;
  const PickleTensor* weight = nullptr;
  const PickleTensor* bias = nullptr;
  const PickleTensor* running_mean = nullptr;  // of a BatchNorm
  const PickleTensor* running_var = nullptr;
  const PickleTensor* scale = nullptr;  // of a quantized Linear's outputs: 1 unless static

  bool is_batch_norm() const { return running_mean != nullptr; }
};

// In the order of the state_dict, which is the order in which the modules were made: Linear layers
// (a weight with two dimensions, a bias or none) and BatchNorm1d (running figures; weight and bias
// or neither). A tensor that belongs to neither is an Error that names it.
std::vector<StateModule> modules_of(const PickleDict& state);

}  // namespace nibble
