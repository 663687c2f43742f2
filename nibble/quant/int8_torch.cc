#include "nibble/quant/int8_torch.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>

#include "nibble/quant/rounding.h"

namespace nibble {
namespace {

float largest_magnitude(std::span<const float> weights) {
  std::int32_t largest = 0;
  for (const float weight : weights) largest = std::max(largest, magnitude_bits(weight));
  return std::bit_cast<float>(largest);
}

}  // namespace

Int8TorchMatrix encode_int8_torch(const Matrix<float>& weight) {
  Int8TorchMatrix matrix{Matrix<std::int8_t>(weight.rows, weight.columns)};
  matrix.scale =
      std::max(largest_magnitude(weight.values) / 127.5F, std::numeric_limits<float>::epsilon());
  const float inverse_scale = 1.0F / matrix.scale;
  std::ranges::transform(weight.values, matrix.codes.values.begin(), [&](float w) {
    return static_cast<std::int8_t>(round_clamped(w * inverse_scale, -128, 127));
  });
  return matrix;
}

Matrix<float> decode(const Int8TorchMatrix& matrix) {
  Matrix<float> weight(matrix.codes.rows, matrix.codes.columns);
  std::ranges::transform(matrix.codes.values, weight.values.begin(),
                         [&](std::int8_t code) { return matrix.scale * static_cast<float>(code); });
  return weight;
}

}  // namespace nibble
