#include "nibble/data/rows.h"

#include <algorithm>
#include <type_traits>

namespace nibble {
namespace {

SparseRows select(const SparseRows& rows, std::span<const std::size_t> chosen) {
  SparseRows result;
  result.columns = rows.columns;
  const SparseRowsView view = rows.view();
  for (const std::size_t row : chosen) {
    const auto indices = view.row_indices(row);
    const auto values = view.row_values(row);
    result.indices.insert(result.indices.end(), indices.begin(), indices.end());
    result.values.insert(result.values.end(), values.begin(), values.end());
    result.end_row();
  }
  return result;
}

DenseRows select(const DenseRows& rows, std::span<const std::size_t> chosen) {
  DenseRows result(chosen.size(), rows.columns);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    std::ranges::copy(rows.row(chosen[i]), result.row(i).begin());
  }
  return result;
}

RowsView view_one(const SparseRows& rows) { return rows.view(); }
RowsView view_one(const DenseRows& rows) { return view_of(rows); }

}  // namespace

RowsView view_of(const Rows& rows) {
  return std::visit([](const auto& some) { return view_one(some); }, rows);
}

std::size_t row_count(const RowsView& rows) {
  return std::visit([](const auto& some) { return some.rows; }, rows);
}

std::size_t column_count(const RowsView& rows) {
  return std::visit([](const auto& some) { return some.columns; }, rows);
}

RowsView slice(const RowsView& rows, std::size_t first, std::size_t count) {
  return std::visit([&](const auto& some) { return RowsView(some.slice(first, count)); }, rows);
}

Rows select_rows(const Rows& rows, std::span<const std::size_t> chosen) {
  return std::visit([&](const auto& some) { return Rows(select(some, chosen)); }, rows);
}

}  // namespace nibble
