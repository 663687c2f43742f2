// One sparse row of bytes times a gathered matrix of int4 weights with a scale for each 32 outputs
// of an input:
//   y[o] = (sum over non-zeros, ascending, of q * scale[i][o/32] * code[i][o]) * scale_row +
//   bias[o],
// ReLU if asked for. q (9 bits), scale (11 bits) and code (4 bits) multiply without rounding in
// float32, so a fused multiply-add and a product with a sum give the same bits: those of every CPU
// level.
#pragma once

#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"

namespace nibble {

// y: padded_outputs values.
void int4_sparse(const SparseQuantizedRow& x, const Int4Gathered& weights, const Finish& finish,
                 float* y);

}  // namespace nibble
