// How many bytes of a model file hold its layers.
#pragma once

#include <cstddef>

namespace nibble {

struct LayerBytes {
  std::size_t weights = 0;
  std::size_t scales = 0;  // and zero points
  std::size_t biases = 0;
};

}  // namespace nibble
