#include "nibble/quant/int8.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "nibble/quant/rounding.h"

namespace nibble {
namespace {

constexpr std::int32_t kHighest = 127;

AlignedVector<float> largest_of_each_output(const Matrix<float>& weight) {
  AlignedVector<float> largest(weight.columns);
  for (std::size_t i = 0; i < weight.rows; ++i) {
    const auto row = weight.row(i);
    for (std::size_t o = 0; o < row.size(); ++o)
      largest[o] = std::max(largest[o], std::fabs(row[o]));
  }
  return largest;
}

float scale_for(float largest) {
  const float scale = largest / static_cast<float>(kHighest);
  return scale > 0.0F ? scale : 1.0F;
}

void encode_row(std::span<const float> weight, std::span<const float> scales,
                std::span<std::int8_t> codes) {
  for (std::size_t o = 0; o < weight.size(); ++o)
    codes[o] = static_cast<std::int8_t>(round_clamped(weight[o] / scales[o], -kHighest, kHighest));
}

}  // namespace

Int8Matrix encode_int8(const Matrix<float>& weight) {
  Matrix<std::int8_t> codes(weight.rows, weight.columns);
  AlignedVector<float> scales = largest_of_each_output(weight);
  for (float& scale : scales) scale = scale_for(scale);
  for (std::size_t i = 0; i < weight.rows; ++i) encode_row(weight.row(i), scales, codes.row(i));
  return {std::move(codes), std::move(scales)};
}

Matrix<float> decode(const Int8Matrix& matrix) {
  Matrix<float> weight(matrix.codes.rows, matrix.codes.columns);
  for (std::size_t i = 0; i < weight.rows; ++i) {
    const auto codes = matrix.codes.row(i);
    for (std::size_t o = 0; o < codes.size(); ++o)
      weight.at(i, o) = matrix.scales[o] * static_cast<float>(codes[o]);
  }
  return weight;
}

}  // namespace nibble
