#include "nibble/network/reference_forward.h"

#include <algorithm>
#include <functional>

#include "nibble/core/error.h"
#include "nibble/network/reference_layer.h"

namespace nibble {
namespace {

template <typename View>
Matrix<float> apply(const Linear& layer, const View& x) {
  return reference_layer(layer.weight, std::identity(), layer.bias, x);
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
