// Dense rows times a matrix of bfloat16 weights: y = x W + bias, ReLU if asked for.
//
// At avx3_bf16 the inputs, too, are rounded to bfloat16 (nearest, ties to even; subnormals become
// zero) and VDPBF16PS multiplies twice as many pairs as float32 arithmetic could. That moves an
// output by about 2^-9 of its terms' size, as in any framework that computes in bfloat16. At every
// other level inputs stay float32 and weights are widened.
//
// Each output is one chain over ascending inputs that starts from the bias, so a row's outputs have
// the same bits in any batch, and the same as the sparse door's for the row's non-zeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "nibble/kernels/packed.h"
#include "nibble/kernels/row_quantize.h"
#include "nibble/kernels/rows.h"
#include "nibble/kernels/widened.h"

namespace nibble {

// Elements of workspace that bf16_dense needs.
constexpr std::size_t bf16_dense_workspace(std::size_t rows, std::size_t inputs) {
  const std::size_t pairs =
      (std::min(rows, kRowsTogether) + 2) * (round_up(inputs, kStripWidth) + kNonZeroSlack);
  return std::max(pairs, widened_workspace(rows, inputs));
}

// A single row skips the inputs (or pairs of inputs) that are zero: float_dense.h says why.
void bf16_dense(const FloatRows& x, const Bf16Panels& weights, const Finish& finish, OutputRows y,
                std::uint32_t* workspace);

}  // namespace nibble
