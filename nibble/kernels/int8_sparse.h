// One sparse row of bytes times a gathered matrix of int8 weights, with int8_dense's arithmetic and
// its bits: float(sum q w) * (scale_row * scales[o]) + bias[o], ReLU if asked for.
#pragma once

#include <cstdint>

#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"

namespace nibble {

// scales: [padded_outputs]. y: padded_outputs values.
void int8_sparse(const SparseQuantizedRow& x, const Gathered<std::int8_t>& weights,
                 const float* scales, const Finish& finish, float* y);

}  // namespace nibble
