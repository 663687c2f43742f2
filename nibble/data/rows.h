// Rows of features, the form that training, inference and quantization share.
//
// SparseRows is compressed sparse row (CSR): row r holds the entries offsets[r] .. offsets[r+1]-1,
// its column indices strictly ascending. A bag of words has about 15 entries of 10,000. DenseRows
// is a plain row-major matrix. The views are what loops take: they own nothing and can show part of
// the rows.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "nibble/core/aligned.h"

namespace nibble {

struct SparseRowsView {
  std::size_t rows = 0;
  std::size_t columns = 0;
  const std::uint64_t* offsets = nullptr;  // rows + 1, into indices and values; need not start at 0
  const std::uint32_t* indices = nullptr;
  const float* values = nullptr;

  std::span<const std::uint32_t> row_indices(std::size_t row) const {
    return {indices + offsets[row], offsets[row + 1] - offsets[row]};
  }
  std::span<const float> row_values(std::size_t row) const {
    return {values + offsets[row], offsets[row + 1] - offsets[row]};
  }
  SparseRowsView slice(std::size_t first, std::size_t count) const {
    assert(first + count <= rows);
    return {count, columns, offsets + first, indices, values};
  }
};

struct SparseRows {
  std::size_t columns = 0;
  std::vector<std::uint64_t> offsets = {0};
  std::vector<std::uint32_t> indices;
  std::vector<float> values;

  std::size_t rows() const { return offsets.size() - 1; }
  // Ends the row whose entries were appended to indices and values.
  void end_row() { offsets.push_back(indices.size()); }
  SparseRowsView view() const {
    return {rows(), columns, offsets.data(), indices.data(), values.data()};
  }
};

struct DenseRowsView {
  std::size_t rows = 0;
  std::size_t columns = 0;
  const float* values = nullptr;  // rows * columns

  std::span<const float> row(std::size_t index) const {
    return {values + index * columns, columns};
  }
  DenseRowsView slice(std::size_t first, std::size_t count) const {
    assert(first + count <= rows);
    return {count, columns, values + first * columns};
  }
};

using DenseRows = Matrix<float>;
inline DenseRowsView view_of(const DenseRows& rows) {
  return {rows.rows, rows.columns, rows.values.data()};
}

using Rows = std::variant<SparseRows, DenseRows>;
using RowsView = std::variant<SparseRowsView, DenseRowsView>;

RowsView view_of(const Rows& rows);
std::size_t row_count(const RowsView& rows);
std::size_t column_count(const RowsView& rows);
RowsView slice(const RowsView& rows, std::size_t first, std::size_t count);
// Copies the chosen rows, in the order given.
Rows select_rows(const Rows& rows, std::span<const std::size_t> chosen);

}  // namespace nibble
