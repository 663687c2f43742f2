// Dense rows of bytes times a matrix of int4 weights with a scale for each 32 inputs of an output:
//   y[r][o] = (sum over groups g, ascending, of float(sum_{i in g} q[r][i] code[i][o]) *
//   scale[g][o]) * scale_r + bias[o], then ReLU if asked for,
// with q = byte - offset, a group's sum in int32, and every float32 product and sum rounded by
// itself. The same bits on every CPU level and in any batch; nothing saturates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"

namespace nibble {

// Elements of workspace that int4_dense needs.
constexpr std::size_t int4_dense_workspace(std::size_t rows, std::size_t inputs) {
  return std::min(rows, kRowsTogether) * round_up(inputs, kGroup) / kGroup;
}

// Rows whose offset is not zero need weights packed with group sums.
void int4_dense(const QuantizedRows& x, const Int4Panels& weights, const Finish& finish,
                OutputRows y, std::int32_t* workspace);

}  // namespace nibble
