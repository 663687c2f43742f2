// One sparse row times a gathered matrix of float32, float16 or bfloat16 weights:
// y = sum of value * matrix row over the non-zeros + bias, ReLU if asked for.
//
// Each output is the chain that the dense doors compute (float_dense.h, bf16_dense.h) without its
// zero terms, so the bits are theirs. At avx3_bf16 the bf16 door rounds values to bfloat16, too.
#pragma once

#include <cstdint>

#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"

namespace nibble {

// y: padded_outputs values.
void f32_sparse(const SparseRow& x, const Gathered<float>& weights, const Finish& finish, float* y);
void f16_sparse(const SparseRow& x, const Gathered<std::uint16_t>& weights, const Finish& finish,
                float* y);
void bf16_sparse(const SparseRow& x, const Gathered<std::uint16_t>& weights, const Finish& finish,
                 float* y);

}  // namespace nibble
