#include "nibble/quant/second_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <variant>

namespace nibble {
namespace {

constexpr double kDamping = 0.01;

// Calls work(column, value) for the non-zeros of a row.
template <typename Work>
void for_each_entry(const SparseRowsView& rows, std::size_t row, const Work& work) {
  const auto columns = rows.row_indices(row);
  for (std::size_t i = 0; i < columns.size(); ++i) work(columns[i], rows.row_values(row)[i]);
}
template <typename Work>
void for_each_entry(const DenseRowsView& rows, std::size_t row, const Work& work) {
  for (std::size_t i = 0; i < rows.columns; ++i)
    if (rows.row(row)[i] != 0.0F) work(i, rows.row(row)[i]);
}

template <typename View>
std::vector<double> diagonal_of(const View& rows) {
  std::vector<double> diagonal(rows.columns);
  for (std::size_t r = 0; r < rows.rows; ++r)
    for_each_entry(rows, r, [&](std::size_t i, float x) { diagonal[i] += 1.0 * x * x; });
  return diagonal;
}

std::vector<HessianBlock> blocks_for(const std::vector<double>& diagonal) {
  std::vector<std::size_t> order(diagonal.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (order.size() > kHessianBlock)
    std::ranges::stable_sort(
        order, [&](std::size_t a, std::size_t b) { return diagonal[a] > diagonal[b]; });
  std::vector<HessianBlock> blocks;
  for (std::size_t first = 0; first < order.size(); first += kHessianBlock) {
    const std::size_t count = std::min(kHessianBlock, order.size() - first);
    HessianBlock block;
    block.inputs.assign(order.begin() + static_cast<std::ptrdiff_t>(first),
                        order.begin() + static_cast<std::ptrdiff_t>(first + count));
    block.products = Matrix<double>(count, count);
    blocks.push_back(std::move(block));
  }
  return blocks;
}

// Adds x x' of a row to the blocks its entries lie in.
template <typename View>
void add_products(const View& rows, std::vector<HessianBlock>& blocks) {
  std::vector<std::pair<std::size_t, std::size_t>> place(rows.columns);  // block, place in it
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    for (std::size_t i = 0; i < blocks[b].inputs.size(); ++i) place[blocks[b].inputs[i]] = {b, i};
  }
  std::vector<std::pair<std::size_t, double>> entries;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    entries.clear();
    for_each_entry(rows, r, [&](std::size_t i, float x) { entries.emplace_back(i, x); });
    for (const auto& [i, x] : entries) {
      const auto [block, row] = place[i];
      for (const auto& [j, y] : entries) {
        if (place[j].first == block) blocks[block].products.at(row, place[j].second) += x * y;
      }
    }
  }
}

void damp(Matrix<double>& h) {
  double mean = 0.0;
  for (std::size_t i = 0; i < h.rows; ++i) mean += h.at(i, i) / static_cast<double>(h.rows);
  for (std::size_t i = 0; i < h.rows; ++i) h.at(i, i) += kDamping * mean + 1e-12;
}

// The lower Cholesky factor in place of the lower triangle.
void cholesky(Matrix<double>& a) {
  for (std::size_t j = 0; j < a.rows; ++j) {
    for (std::size_t k = 0; k < j; ++k) a.at(j, j) -= a.at(j, k) * a.at(j, k);
    a.at(j, j) = std::sqrt(std::max(a.at(j, j), 1e-300));
    for (std::size_t i = j + 1; i < a.rows; ++i) {
      double sum = a.at(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= a.at(i, k) * a.at(j, k);
      a.at(i, j) = sum / a.at(j, j);
    }
  }
}

// The inverse of a lower triangular matrix.
Matrix<double> inverse_of_lower(const Matrix<double>& l) {
  Matrix<double> inverse(l.rows, l.rows);
  for (std::size_t j = 0; j < l.rows; ++j) {
    inverse.at(j, j) = 1.0 / l.at(j, j);
    for (std::size_t i = j + 1; i < l.rows; ++i) {
      double sum = 0.0;
      for (std::size_t k = j; k < i; ++k) sum -= l.at(i, k) * inverse.at(k, j);
      inverse.at(i, j) = sum / l.at(i, i);
    }
  }
  return inverse;
}

// With H = R R' for an upper R, H^-1 = (R^-1)' R^-1, so U = R^-1 up to order: the Cholesky factor
// of H taken from its last row upwards, inverted. Row i of the result is row i of U.
Matrix<double> upper_of_inverse(Matrix<double> h) {
  const std::size_t n = h.rows;
  Matrix<double> turned(n, n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) turned.at(i, j) = h.at(n - 1 - i, n - 1 - j);
  cholesky(turned);
  const Matrix<double> inverse = inverse_of_lower(turned);
  Matrix<double> upper(n, n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i; j < n; ++j) upper.at(i, j) = inverse.at(n - 1 - i, n - 1 - j);
  return upper;
}

void round_block(const HessianBlock& block, const GroupedRounder& rounder, Matrix<float>& weight) {
  Matrix<double> h = block.products;
  damp(h);
  const Matrix<double> upper = upper_of_inverse(std::move(h));
  std::vector<float> error(weight.columns);
  for (std::size_t i = 0; i < block.inputs.size(); ++i) {
    const auto row = weight.row(block.inputs[i]);
    std::ranges::copy(row, error.begin());
    rounder.round_row(block.inputs[i], row);
    for (std::size_t o = 0; o < error.size(); ++o) error[o] -= row[o];
    for (std::size_t j = i + 1; j < block.inputs.size(); ++j) {
      const auto factor = static_cast<float>(upper.at(i, j) / upper.at(i, i));
      if (factor == 0.0F) continue;
      const auto later = weight.row(block.inputs[j]);
      for (std::size_t o = 0; o < error.size(); ++o) later[o] -= factor * error[o];
    }
  }
}

}  // namespace

std::vector<float> importance_of(const RowsView& rows) {
  const auto sums = std::visit([](const auto& view) { return diagonal_of(view); }, rows);
  const auto count = static_cast<double>(std::max<std::size_t>(row_count(rows), 1));
  const double mean =
      std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(sums.size());
  const double least = std::max(kDamping * mean / count, 1e-30);
  std::vector<float> importance(sums.size());
  std::ranges::transform(sums, importance.begin(),
                         [&](double sum) { return static_cast<float>(sum / count + least); });
  return importance;
}

std::vector<HessianBlock> hessian_of(const RowsView& rows) {
  return std::visit(
      [](const auto& view) {
        std::vector<HessianBlock> blocks = blocks_for(diagonal_of(view));
        add_products(view, blocks);
        return blocks;
      },
      rows);
}

GroupedMatrix encode_second_order(const Matrix<float>& weight, const GroupedForm& form,
                                  const std::vector<HessianBlock>& hessian) {
  const GroupedRounder rounder(encode_grouped(weight, form));
  Matrix<float> rounded = weight;
  for (const HessianBlock& block : hessian) round_block(block, rounder, rounded);
  return rounder.encode(rounded);
}

}  // namespace nibble
