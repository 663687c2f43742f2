// The definition of right for quantized networks: plain loops, no SIMD. The fast paths must give
// these bits for int8, int8-torch and int4, and agree within a stated tolerance for f16 and bf16.
//
// int8, int4: each layer's input row becomes integers q with one scale s, x ~ s q (activations.h).
// int8 sums q w in int32 and returns float(sum) * (s * scale[o]) + bias[o]. int4 with
// GroupAxis::kInputs sums each group of 32 in int32 and adds float(sum_g) * scale[g][o] over the
// groups in ascending order, then * s, + bias. int4 with kOutputs (a first layer with sparse input)
// adds float(q) * scale * float(code) in ascending column order, then * s, + bias. Products and
// sums are separate float32 roundings, never fused, so every CPU gives the same bits. int8-torch:
// PyTorch's quantize_dynamic on fbgemm/x86: one scale and zero point for all rows of the call. f16,
// bf16: weights widened to float32, float32 arithmetic.
#pragma once

#include "nibble/core/aligned.h"
#include "nibble/data/rows.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

// Logits, [rows][outputs]. An Error if the columns do not fit.
Matrix<float> reference_logits(const QuantizedMlp& mlp, const RowsView& rows);

}  // namespace nibble
