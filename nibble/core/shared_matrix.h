// A matrix that is read only: its values are its own, or lie in something that others use, too,
// such as a mapped file. Copies share the values.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_file.h"

namespace nibble {

template <typename T>
struct SharedMatrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::span<const T> values;          // rows * columns, row-major
  std::shared_ptr<const void> owner;  // keeps the values where they are
  const MappedFile* file = nullptr;   // that they lie in; null for values elsewhere

  SharedMatrix() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a matrix that is finished becomes one of these
  SharedMatrix(Matrix<T> matrix) : rows(matrix.rows), columns(matrix.columns) {
    auto kept = std::make_shared<const AlignedVector<T>>(std::move(matrix.values));
    values = *kept;
    owner = std::move(kept);
  }
  SharedMatrix(std::size_t row_count, std::size_t column_count, std::span<const T> shared_values,
               std::shared_ptr<const void> their_owner)
      : rows(row_count),
        columns(column_count),
        values(shared_values),
        owner(std::move(their_owner)) {
    assert(values.size() == rows * columns);
  }
  SharedMatrix(std::size_t row_count, std::size_t column_count, std::span<const T> mapped_values,
               const SharedFile& mapped)
      : SharedMatrix(row_count, column_count, mapped_values, std::shared_ptr<const void>(mapped)) {
    file = mapped.get();
  }

  std::span<const T> row(std::size_t index) const {
    assert(index < rows);
    return values.subspan(index * columns, columns);
  }
  const T& at(std::size_t row_index, std::size_t column) const { return row(row_index)[column]; }

  friend bool operator==(const SharedMatrix& a, const SharedMatrix& b) {
    return a.rows == b.rows && a.columns == b.columns && std::ranges::equal(a.values, b.values);
  }
};

}  // namespace nibble
