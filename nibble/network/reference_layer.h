// One float layer by plain loops: what every float network promises to the bit. Each output starts
// from its bias and takes the inputs in ascending order, product and sum rounded together, as the
// kernels do it on CPUs that can.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "nibble/core/aligned.h"
#include "nibble/data/rows.h"

namespace nibble {
namespace detail {

// A zero adds nothing to finite weights, and check vectors have thousands.
template <typename Code, typename Widen>
void add_scaled(std::span<float> y, float x, std::span<const Code> weights, const Widen& widen) {
  if (x == 0.0F) return;
  for (std::size_t o = 0; o < y.size(); ++o) y[o] = std::fma(x, widen(weights[o]), y[o]);
}

template <typename Weights, typename Widen>
void add_row(const SparseRowsView& x, std::size_t r, const Weights& weights, const Widen& widen,
             std::span<float> y) {
  const auto indices = x.row_indices(r);
  const auto values = x.row_values(r);
  for (std::size_t i = 0; i < indices.size(); ++i)
    add_scaled(y, values[i], weights.row(indices[i]), widen);
}

template <typename Weights, typename Widen>
void add_row(const DenseRowsView& x, std::size_t r, const Weights& weights, const Widen& widen,
             std::span<float> y) {
  const auto values = x.row(r);
  for (std::size_t i = 0; i < values.size(); ++i) add_scaled(y, values[i], weights.row(i), widen);
}

}  // namespace detail

// [rows][outputs]. `weights` is [inputs][outputs] in codes that `widen` makes float32.
template <typename Weights, typename Widen, typename View>
Matrix<float> reference_layer(const Weights& weights, const Widen& widen,
                              std::span<const float> bias, const View& x) {
  Matrix<float> y(x.rows, bias.size());
  for (std::size_t r = 0; r < x.rows; ++r) {
    std::ranges::copy(bias, y.row(r).begin());
    detail::add_row(x, r, weights, widen, y.row(r));
  }
  return y;
}

}  // namespace nibble
