// Dense rows of bytes times a matrix of int8 weights:
//   y[r][o] = float(sum_i q[r][i] w[i][o]) * (scale_r * scales[o]) + bias[o], then ReLU if asked
// for, with q = byte - offset, the sum in int32, and product and sum rounded separately.
//
// The same bits on every CPU level and in any batch. No input saturates: VPDPBUSD adds in int32,
// and the levels that add pairs of products in 16 bits first take apart the pairs of inputs whose
// products might not fit. The int32 sum is exact while
// 255 * 128 * inputs < 2^31, that is up to 65,793 inputs that are all at the limit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"

namespace nibble {

// Elements of workspace that int8_dense needs: two copies of the bytes, and a count for each row.
constexpr std::size_t int8_dense_workspace(std::size_t rows, std::size_t inputs) {
  return std::min(rows, kRowsTogether) * (round_up(inputs, 32) / 2 + 1);
}

void int8_dense(const QuantizedRows& x, const Int8Panels& weights, const Finish& finish,
                OutputRows y, std::uint32_t* workspace);

}  // namespace nibble
