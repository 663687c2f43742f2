// The definition of right for quantized networks: plain loops, no SIMD. The fast paths must give
// these bits for int8, int8-torch and int4, and agree within a stated tolerance for f16 and bf16.
//
// int8, int4: each layer's input row becomes integers q with one scale a, x ~ a q (activations.h).
//   Or one scale and zero point fixed beforehand (static_range.h): int8 with q - zero point.
//   int8: float(sum of q code, in int32) * (a * scale[o]) + bias[o].
//   int4 along kInputs: each group's sum of q code in int32; float(sum) * scale[g][o] added in
//     float32 over the groups in ascending order; then * a, + bias[o].
//   int4 along kOutputs (a first layer with sparse input): q * scale * code, exact in float32,
//     added in ascending column order; then * a, + bias[o].
// int8-torch: PyTorch's quantize_dynamic on fbgemm and x86: one scale a and zero point for all rows
//   of the call; float(sum of (q - zero point) code) * (a * scale) + bias[o].
// f16, bf16: weights widened to float32, float32 arithmetic (network/reference_forward.h).
// Products and sums of the integer schemes are separate float32 roundings, never fused, those of
// f16 and bf16 always fused: every CPU gives the same bits.
#pragma once

#include "nibble/core/aligned.h"
#include "nibble/data/rows.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

// Logits, [rows][outputs]. An Error if the columns do not fit.
Matrix<float> reference_logits(const QuantizedMlp& mlp, const RowsView& rows);

}  // namespace nibble
