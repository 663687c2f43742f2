// int8: symmetric 8-bit codes with one scale for each output. What `--scheme int8` stores.
//
//   scale[o] = max_i |w[i][o]| / 127
//   code     = nearbyint(w / scale[o]), ties to even, clamped to -127..127
//   w^       = scale[o] * code
//
// Range: every output's own largest weight is met exactly (to a rounding of scale). Largest error:
// half a step, max|w| / 254. Layout: codes [inputs][outputs], one byte each, then one float32 scale
// for each output. Bits per weight: 8 + 32/inputs.
//
// An output without a scale has scale 1 and codes 0: all its weights are zero, or so small
// (below 127 * 2^-150) that the scale would underflow to zero.
//
// Why not the alternatives: -128 as a code would buy 0.4 % of the step and cost symmetry. (Files
// from PyTorch's quantize_dynamic per channel do have it, and every kernel takes it.) One scale for
// the tensor (int8-torch) lets one large weight coarsen every output. A zero point helps weights
// that lie on one side; trained weights do not, and it costs a row sum for each output at run time.
// One scale for each input would match the rows of a bag of words, but could not leave the integer
// sum over inputs.
#pragma once

#include <cstdint>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_matrix.h"

namespace nibble {

struct Int8Matrix {
  SharedMatrix<std::int8_t> codes;  // [inputs][outputs]
  AlignedVector<float> scales;      // [outputs]
  friend bool operator==(const Int8Matrix&, const Int8Matrix&) = default;
};

// Weights [inputs][outputs], finite.
Int8Matrix encode_int8(const Matrix<float>& weight);
Matrix<float> decode(const Int8Matrix& matrix);

}  // namespace nibble
