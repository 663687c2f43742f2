#include "nibble/quant/int8_torch.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>
#include <utility>

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
  Matrix<std::int8_t> codes(weight.rows, weight.columns);
  const float scale =
      std::max(largest_magnitude(weight.values) / 127.5F, std::numeric_limits<float>::epsilon());
  const float inverse_scale = 1.0F / scale;
  std::ranges::transform(weight.values, codes.values.begin(), [&](float w) {
    return static_cast<std::int8_t>(round_clamped(w * inverse_scale, -128, 127));
  });
  return {std::move(codes), scale};
}

Matrix<float> decode(const Int8TorchMatrix& matrix) {
  Matrix<float> weight(matrix.codes.rows, matrix.codes.columns);
  std::ranges::transform(matrix.codes.values, weight.values.begin(),
                         [&](std::int8_t code) { return matrix.scale * static_cast<float>(code); });
  return weight;
}

}  // namespace nibble
