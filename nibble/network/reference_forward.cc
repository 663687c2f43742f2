#include "nibble/network/reference_forward.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "nibble/core/error.h"

namespace nibble {
namespace {

// Fused, as the kernels do it on CPUs that can.
void add_scaled(std::span<float> y, float x, std::span<const float> w) {
  for (std::size_t o = 0; o < y.size(); ++o) y[o] = std::fma(x, w[o], y[o]);
}

Matrix<float> start_from_bias(std::size_t rows, const Linear& layer) {
  Matrix<float> y(rows, layer.outputs());
  for (std::size_t r = 0; r < rows; ++r) std::ranges::copy(layer.bias, y.row(r).begin());
  return y;
}

Matrix<float> apply(const Linear& layer, const SparseRowsView& x) {
  Matrix<float> y = start_from_bias(x.rows, layer);
  for (std::size_t r = 0; r < x.rows; ++r) {
    const auto indices = x.row_indices(r);
    const auto values = x.row_values(r);
    for (std::size_t i = 0; i < indices.size(); ++i)
      add_scaled(y.row(r), values[i], layer.weight.row(indices[i]));
  }
  return y;
}

Matrix<float> apply(const Linear& layer, const DenseRowsView& x) {
  Matrix<float> y = start_from_bias(x.rows, layer);
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t i = 0; i < x.columns; ++i) {
      // A zero adds nothing to finite weights, and check vectors have thousands.
      if (x.row(r)[i] != 0.0F) add_scaled(y.row(r), x.row(r)[i], layer.weight.row(i));
    }
  }
  return y;
}

}  // namespace

void require_columns(std::size_t columns, std::size_t inputs) {
  if (columns == inputs) return;
  throw_error("the rows have {} features but the model takes {}; use data made for this model",
              columns, inputs);
}

void relu(Matrix<float>& values) {
  for (float& value : values.values) value = std::max(0.0F, value);
}

Matrix<float> reference_logits(const Mlp& mlp, const RowsView& rows) {
  require_columns(column_count(rows), mlp.inputs());
  Matrix<float> y = std::visit([&](const auto& x) { return apply(mlp.layers.front(), x); }, rows);
  for (std::size_t l = 1; l < mlp.layers.size(); ++l) {
    relu(y);
    y = apply(mlp.layers[l], view_of(y));
  }
  return y;
}

}  // namespace nibble
