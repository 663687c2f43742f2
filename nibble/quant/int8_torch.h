// int8-torch: PyTorch's weights for quantize_dynamic. What `--scheme int8-torch` stores.
//
//   scale = max(max|w| / 127.5, FLT_EPSILON)        one for the whole matrix
//   code  = clamp(nearbyint(w * (1 / scale)), -128, 127), ties to even, reciprocal in float32
//   w^    = scale * code
//
// This is torch.ao.quantization.MinMaxObserver(dtype=qint8, qscheme=per_tensor_symmetric) followed
// by torch.quantize_per_tensor: the same integers and the same scale, to the bit. Because 127.5
// steps make up the largest weight, a largest weight that is positive is clamped to 127 and misses
// by half a step; a largest negative one reaches -127.5 and goes to -128.
//
// Layout: codes [inputs][outputs], one byte each, and one float32 scale. 8 bits per weight.
// It is here so that results can be compared with PyTorch's; `int8` is at least as accurate.
#pragma once

#include <cstdint>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_matrix.h"

namespace nibble {

struct Int8TorchMatrix {
  SharedMatrix<std::int8_t> codes;  // [inputs][outputs]
  float scale = 1.0F;
  friend bool operator==(const Int8TorchMatrix&, const Int8TorchMatrix&) = default;
};

// Weights [inputs][outputs], finite.
Int8TorchMatrix encode_int8_torch(const Matrix<float>& weight);
Matrix<float> decode(const Int8TorchMatrix& matrix);

}  // namespace nibble
