// Dense rows times a matrix of float32 or float16 weights: y = x W + bias, ReLU if asked for.
//
// Each output is one chain over ascending inputs that starts from the bias, fused multiply-adds
// where the CPU has them (avx2 and above). So a row's outputs have the same bits in any batch, and
// the same as the sparse door's (float_sparse.h) for the row's non-zeros; levels with and without
// fused multiply-adds differ in rounding.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"
#include "nibble/kernels/widened.h"

namespace nibble {

void f32_dense(const FloatRows& x, const F32Panels& weights, const Finish& finish, OutputRows y);

// Elements of workspace that f16_dense needs.
constexpr std::size_t f16_dense_workspace(std::size_t rows, std::size_t inputs) {
  return widened_workspace(rows, inputs);
}
void f16_dense(const FloatRows& x, const F16Panels& weights, const Finish& finish, OutputRows y,
               std::uint32_t* workspace);

// Whether weights of 16 bits are worth keeping narrow at the level in use: from avx2 on. Below,
// float16 has no conversion in hardware and widening bfloat16 costs more than reading float32: a
// network is quicker there with its weights widened once, when it is prepared.
bool narrow_floats_are_fast();

// One row by its non-zeros, with the same bits. A row alone waits for its weights, and after ReLU a
// quarter to a half of the inputs are zero: their weights need not be read. y: padded_outputs
// values. (Blocks of rows do not gain: few inputs are zero in all six of them.)
void f32_dense_row(const SparseRow& x, const F32Panels& weights, const Finish& finish, float* y);
void f16_dense_row(const SparseRow& x, const F16Panels& weights, const Finish& finish, float* y);

}  // namespace nibble
