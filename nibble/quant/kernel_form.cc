#include "nibble/quant/kernel_form.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "nibble/quant/quantized_mlp.h"

namespace nibble {
namespace {

using Levels = Matrix<std::int16_t>;

bool all_within(const Levels& levels, int lowest, int highest) {
  return std::ranges::all_of(levels.values,
                             [=](std::int16_t q) { return q >= lowest && q <= highest; });
}

// Scales of blocks as the scales of smaller ones: each block's own, repeated.
Matrix<std::uint16_t> spread_scales(const GroupedMatrix& matrix, GroupAxis axis) {
  const bool by_output = axis == GroupAxis::kOutputs;
  const std::size_t lines = by_output ? matrix.inputs : blocks_along(matrix.inputs, kInt4Group);
  const std::size_t in_line = by_output ? blocks_along(matrix.outputs, kInt4Group) : matrix.outputs;
  const BlockShape block = matrix.form.block;
  const std::size_t high = by_output ? 1 : kInt4Group;
  const std::size_t wide = by_output ? kInt4Group : 1;
  Matrix<std::uint16_t> scales(lines, in_line);
  for (std::size_t i = 0; i < lines; ++i) {
    for (std::size_t o = 0; o < in_line; ++o)
      scales.at(i, o) = matrix.scales.at(block.inputs == 0 ? 0 : i * high / block.inputs,
                                         block.outputs == 0 ? 0 : o * wide / block.outputs);
  }
  return scales;
}

std::optional<GroupAxis> int4_axis(const BlockShape& block) {
  if (block.inputs == 1 && block.outputs % kInt4Group == 0) return GroupAxis::kOutputs;
  if (block.outputs == 1 && block.inputs > 0 && block.inputs % kInt4Group == 0)
    return GroupAxis::kInputs;
  return std::nullopt;
}

Int4Matrix as_int4(const GroupedMatrix& matrix, const Levels& levels, GroupAxis axis) {
  constexpr int kZero = 8;
  Matrix<std::uint8_t> codes(levels.rows, (levels.columns + 1) / 2);
  for (std::size_t i = 0; i < levels.rows; ++i) {
    std::ranges::fill(codes.row(i), std::uint8_t{kZero << 4});
    for (std::size_t o = 0; o < levels.columns; ++o) {
      const auto nibble = static_cast<unsigned>(levels.at(i, o) + kZero);
      std::uint8_t& byte = codes.at(i, o / 2);
      byte = static_cast<std::uint8_t>(o % 2 == 0 ? (byte & 0xF0U) | nibble
                                                  : (byte & 0x0FU) | nibble << 4);
    }
  }
  return {matrix.outputs, axis, std::move(codes), spread_scales(matrix, axis)};
}

Int8Matrix as_int8(const GroupedMatrix& matrix, const Levels& levels) {
  Matrix<std::int8_t> codes(levels.rows, levels.columns);
  std::ranges::transform(levels.values, codes.values.begin(),
                         [](std::int16_t q) { return static_cast<std::int8_t>(q); });
  AlignedVector<float> scales(matrix.outputs);
  for (std::size_t o = 0; o < scales.size(); ++o)
    scales[o] = float_from_f16(matrix.scales.at(0, matrix.form.block.outputs == 0 ? 0 : o));
  return {std::move(codes), std::move(scales)};
}

}  // namespace

EncodedMatrix kernel_form(const GroupedMatrix& matrix) {
  const GroupedForm& form = matrix.form;
  if (rounds_to_f16(form.kind)) return encode_f16(decode(matrix));
  const Levels levels = integer_levels(matrix);
  const auto axis = int4_axis(form.block);
  if (axis && all_within(levels, -8, 7)) return as_int4(matrix, levels, *axis);
  const bool by_output = form.block.inputs == 0 && form.block.outputs <= 1;
  if (by_output && matrix.inputs <= kMostIntegerInputs && all_within(levels, -127, 127))
    return as_int8(matrix, levels);
  return decode(matrix);
}

EncodedMatrix kernel_form(const PqMatrix& matrix) { return encode_f16(decode(matrix)); }

EncodedMatrix kernel_form(EncodedMatrix matrix) {
  if (const auto* grouped = std::get_if<GroupedMatrix>(&matrix)) return kernel_form(*grouped);
  if (const auto* pq = std::get_if<PqMatrix>(&matrix)) return kernel_form(*pq);
  return matrix;
}

}  // namespace nibble
