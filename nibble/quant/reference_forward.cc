#include "nibble/quant/reference_forward.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "nibble/network/reference_forward.h"
#include "nibble/network/reference_layer.h"
#include "nibble/quant/activations.h"
#include "nibble/quant/kernel_form.h"

namespace nibble {
namespace {

// The inputs of one row that count, as integers. Zeros may be missing.
struct IntegerRow {
  std::vector<std::uint32_t> columns;  // ascending
  std::vector<std::int32_t> values;
  float scale = 1.0F;
};

template <typename Quantization>
IntegerRow integers_of(std::span<const float> values, const Quantization& quantization) {
  IntegerRow row;
  row.scale = quantization.scale;
  for (const float value : values) row.values.push_back(quantize_value(value, quantization));
  return row;
}

std::span<const float> values_of(const SparseRowsView& rows, std::size_t row) {
  return rows.row_values(row);
}
std::span<const float> values_of(const DenseRowsView& rows, std::size_t row) {
  return rows.row(row);
}

std::vector<std::uint32_t> columns_of(const SparseRowsView& rows, std::size_t row) {
  const auto indices = rows.row_indices(row);
  return {indices.begin(), indices.end()};
}
std::vector<std::uint32_t> columns_of(const DenseRowsView& rows, std::size_t /*row*/) {
  std::vector<std::uint32_t> columns(rows.columns);
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = static_cast<std::uint32_t>(i);
  return columns;
}

// One scale for each row.
template <typename View>
IntegerRow quantize_row(const View& rows, std::size_t row) {
  const auto values = values_of(rows, row);
  IntegerRow integers = integers_of(values, choose_row_quantization(values));
  integers.columns = columns_of(rows, row);
  return integers;
}

// One scale for the call; the zero point is taken off, so that x ~ scale * value and zeros count
// nothing.
template <typename View>
IntegerRow quantize_row(const View& rows, std::size_t row, const CallQuantization& call) {
  IntegerRow integers = integers_of(values_of(rows, row), call);
  for (std::int32_t& value : integers.values) value -= call.zero_point;
  integers.columns = columns_of(rows, row);
  return integers;
}

// Adds q w of the entries first..last-1 of x to every output's sum.
void add_products(const SharedMatrix<std::int8_t>& codes, const IntegerRow& x, std::size_t first,
                  std::size_t last, std::span<std::int32_t> sums) {
  for (std::size_t i = first; i < last; ++i) {
    const auto row = codes.row(x.columns[i]);
    for (std::size_t o = 0; o < sums.size(); ++o) sums[o] += x.values[i] * row[o];
  }
}

std::vector<std::int32_t> integer_sums(const SharedMatrix<std::int8_t>& codes,
                                       const IntegerRow& x) {
  std::vector<std::int32_t> sums(codes.columns);
  add_products(codes, x, 0, x.columns.size(), sums);
  return sums;
}

void apply_int8(const Int8Matrix& weight, std::span<const float> bias, const IntegerRow& x,
                std::span<float> y) {
  const auto sums = integer_sums(weight.codes, x);
  for (std::size_t o = 0; o < y.size(); ++o)
    y[o] = static_cast<float>(sums[o]) * (x.scale * weight.scales[o]) + bias[o];
}

void apply_int8_torch(const Int8TorchMatrix& weight, std::span<const float> bias,
                      const IntegerRow& x, std::span<float> y) {
  const auto sums = integer_sums(weight.codes, x);
  for (std::size_t o = 0; o < y.size(); ++o)
    y[o] = static_cast<float>(sums[o]) * (x.scale * weight.scale) + bias[o];
}

struct UnpackedInt4 {
  SharedMatrix<std::int8_t> codes;
  Matrix<float> scales;
};

// One past the last entry of x in the group that entry `first` lies in.
std::size_t end_of_group(const IntegerRow& x, std::size_t first) {
  const std::size_t group = x.columns[first] / kInt4Group;
  std::size_t last = first;
  while (last < x.columns.size() && x.columns[last] / kInt4Group == group) ++last;
  return last;
}

// Groups along the inputs: each group in int32, the groups in ascending order in float32.
void add_groups(const UnpackedInt4& weight, const IntegerRow& x, std::span<float> y) {
  std::vector<std::int32_t> sums(y.size());
  std::size_t last = 0;
  for (std::size_t first = 0; first < x.columns.size(); first = last) {
    last = end_of_group(x, first);
    std::ranges::fill(sums, 0);
    add_products(weight.codes, x, first, last, sums);
    const auto scales = weight.scales.row(x.columns[first] / kInt4Group);
    for (std::size_t o = 0; o < y.size(); ++o) y[o] += static_cast<float>(sums[o]) * scales[o];
  }
}

// Groups along the outputs: every product in float32. It is exact: 8 + 11 + 4 bits.
void add_inputs(const UnpackedInt4& weight, const IntegerRow& x, std::span<float> y) {
  for (std::size_t i = 0; i < x.columns.size(); ++i) {
    const auto q = static_cast<float>(x.values[i]);
    const auto codes = weight.codes.row(x.columns[i]);
    const auto scales = weight.scales.row(x.columns[i]);
    for (std::size_t o = 0; o < y.size(); ++o)
      y[o] += q * scales[o / kInt4Group] * static_cast<float>(codes[o]);
  }
}

template <typename View>
Matrix<float> apply(const Int8Matrix& weight, std::span<const float> bias, const View& rows) {
  Matrix<float> y(rows.rows, bias.size());
  for (std::size_t r = 0; r < rows.rows; ++r)
    apply_int8(weight, bias, quantize_row(rows, r), y.row(r));
  return y;
}

template <typename View>
Matrix<float> apply(const Int8TorchMatrix& weight, std::span<const float> bias, const View& rows) {
  const CallQuantization call = choose_call_quantization(RowsView(rows));
  Matrix<float> y(rows.rows, bias.size());
  for (std::size_t r = 0; r < rows.rows; ++r)
    apply_int8_torch(weight, bias, quantize_row(rows, r, call), y.row(r));
  return y;
}

template <typename View>
Matrix<float> apply(const Int4Matrix& weight, std::span<const float> bias, const View& rows) {
  const UnpackedInt4 unpacked{codes_of(weight), scales_of(weight)};
  Matrix<float> y(rows.rows, bias.size());
  for (std::size_t r = 0; r < rows.rows; ++r) {
    const IntegerRow x = quantize_row(rows, r);
    if (weight.axis == GroupAxis::kInputs) {
      add_groups(unpacked, x, y.row(r));
    } else {
      add_inputs(unpacked, x, y.row(r));
    }
    for (std::size_t o = 0; o < bias.size(); ++o) y.at(r, o) = y.at(r, o) * x.scale + bias[o];
  }
  return y;
}

template <typename View>
Matrix<float> apply(const F32Matrix& weight, std::span<const float> bias, const View& rows) {
  return reference_layer(weight, std::identity(), bias, rows);
}

template <typename View>
Matrix<float> apply(const F16Matrix& weight, std::span<const float> bias, const View& rows) {
  return reference_layer(weight.codes, float_from_f16, bias, rows);
}

template <typename View>
Matrix<float> apply(const Bf16Matrix& weight, std::span<const float> bias, const View& rows) {
  return reference_layer(weight.codes, float_from_bf16, bias, rows);
}

template <typename View>
Matrix<float> apply_any(const EncodedMatrix& weight, std::span<const float> bias, const View& rows);

template <typename View>
Matrix<float> apply(const GroupedMatrix& weight, std::span<const float> bias, const View& rows) {
  return apply_any(kernel_form(weight), bias, rows);
}

template <typename View>
Matrix<float> apply(const PqMatrix& weight, std::span<const float> bias, const View& rows) {
  return apply_any(kernel_form(weight), bias, rows);
}

template <typename View>
Matrix<float> apply_any(const EncodedMatrix& weight, std::span<const float> bias,
                        const View& rows) {
  return std::visit([&](const auto& encoded) { return apply(encoded, bias, rows); }, weight);
}

// One scale for all rows there will ever be.
template <typename View>
Matrix<float> apply_static(const Int8Matrix& weight, std::span<const float> bias,
                           const CallQuantization& input, const View& rows) {
  Matrix<float> y(rows.rows, bias.size());
  for (std::size_t r = 0; r < rows.rows; ++r)
    apply_int8(weight, bias, quantize_row(rows, r, input), y.row(r));
  return y;
}

Matrix<float> apply(const QuantizedLinear& layer, const RowsView& rows) {
  if (layer.input) {
    const auto& weight = std::get<Int8Matrix>(layer.weight);
    return std::visit(
        [&](const auto& view) { return apply_static(weight, layer.bias, *layer.input, view); },
        rows);
  }
  return std::visit([&](const auto& view) { return apply_any(layer.weight, layer.bias, view); },
                    rows);
}

}  // namespace

Matrix<float> reference_logits(const QuantizedMlp& mlp, const RowsView& rows) {
  require_columns(column_count(rows), mlp.inputs());
  for (const QuantizedLinear& layer : mlp.layers) require_integer_inputs(layer.weight);
  Matrix<float> y = apply(mlp.layers.front(), rows);
  for (std::size_t l = 1; l < mlp.layers.size(); ++l) {
    if (!mlp.layers[l - 1].is_factor) relu(y);
    y = apply(mlp.layers[l], view_of(y));
  }
  return y;
}

}  // namespace nibble
