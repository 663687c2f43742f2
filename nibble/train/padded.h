// Parameters as the training kernels want them: rows padded with zeros to whole vectors, with
// Adam's moments beside them.
#pragma once

#include <cstddef>
#include <span>

#include "nibble/core/aligned.h"
#include "nibble/kernels/adam.h"
#include "nibble/network/mlp.h"

namespace nibble {

// Pieces of `size` that `count` things fill.
inline std::size_t pieces_of(std::size_t count, std::size_t size) {
  return (count + size - 1) / size;
}

inline std::size_t padded(std::size_t count) {
  return (count + kTrainLanes - 1) / kTrainLanes * kTrainLanes;
}

// Numbers with Adam's two moments, all `count` long.
struct Moments {
  explicit Moments(std::size_t count) : value(count), m(count), v(count) {}
  AlignedVector<float> value;
  AlignedVector<float> m;
  AlignedVector<float> v;
};

Moments padded_bias(const Linear& layer);

// A layer whose every weight gets a gradient at every step.
struct DenseLayer {
  explicit DenseLayer(const Linear& layer);
  void write_to(Linear& layer) const;  // of the same shape

  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t width = 0;  // outputs, padded
  Moments weight;         // inputs x width
  Moments bias;           // width
};

}  // namespace nibble
