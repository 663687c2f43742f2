#include "nibble/quant/low_rank.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/core/error.h"
#include "nibble/core/random.h"

namespace nibble {
namespace {

constexpr int kRounds = 60;
constexpr std::size_t kMoreDirections = 4;

// A dense matrix of doubles, row-major.
struct Doubles {
  Doubles(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count) {}
  double* row(std::size_t index) { return values.data() + index * columns; }
  const double* row(std::size_t index) const { return values.data() + index * columns; }
  std::size_t rows;
  std::size_t columns;
  std::vector<double> values;
};

void add_scaled(const double* from, double factor, std::size_t count, double* to) {
  for (std::size_t i = 0; i < count; ++i) to[i] += factor * from[i];
}

double dot(const double* a, const double* b, std::size_t count) {
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// W' W, [outputs][outputs]. A zero weight adds nothing: pruned rows cost nothing.
Doubles gram(const Matrix<float>& weight) {
  Doubles result(weight.columns, weight.columns);
  std::vector<double> wide(weight.columns);
  for (std::size_t i = 0; i < weight.rows; ++i) {
    const auto row = weight.row(i);
    std::ranges::copy(row, wide.begin());
    for (std::size_t o = 0; o < weight.columns; ++o) {
      if (wide[o] != 0.0)
        add_scaled(wide.data() + o, wide[o], weight.columns - o, result.row(o) + o);
    }
  }
  for (std::size_t o = 0; o < weight.columns; ++o) {
    for (std::size_t p = 0; p < o; ++p) result.row(o)[p] = result.row(p)[o];
  }
  return result;
}

// Rows made orthonormal in order (modified Gram-Schmidt, twice). A row that vanishes stays zero.
void orthonormalise(Doubles& directions) {
  for (std::size_t r = 0; r < directions.rows; ++r) {
    double* row = directions.row(r);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t before = 0; before < r; ++before) {
        const double* other = directions.row(before);
        add_scaled(other, -dot(row, other, directions.columns), directions.columns, row);
      }
    }
    const double norm = std::sqrt(dot(row, row, directions.columns));
    for (std::size_t i = 0; i < directions.columns; ++i)
      row[i] = norm > 1e-150 ? row[i] / norm : 0.0;
  }
}

Doubles start(std::size_t directions, std::size_t columns) {
  Doubles result(directions, columns);
  for (std::size_t i = 0; i < result.values.size(); ++i)
    result.values[i] = static_cast<double>(unit_float(philox({}, i)[0])) - 0.5;
  orthonormalise(result);
  return result;
}

Doubles multiplied(const Doubles& directions, const Doubles& square) {
  Doubles result(directions.rows, directions.columns);
  for (std::size_t r = 0; r < directions.rows; ++r) {
    for (std::size_t i = 0; i < directions.columns; ++i)
      add_scaled(square.row(i), directions.row(r)[i], directions.columns, result.row(r));
  }
  return result;
}

// The strongest directions of the rows of W.
Doubles strongest(const Doubles& square, std::size_t rank) {
  const std::size_t width = std::min(rank + kMoreDirections, square.rows);
  Doubles directions = start(width, square.rows);
  for (int round = 0; round < kRounds; ++round) {
    directions = multiplied(directions, square);
    orthonormalise(directions);
  }
  return directions;
}

}  // namespace

Factors factorize(const Matrix<float>& weight, std::size_t rank) {
  const std::size_t most = std::min(weight.rows, weight.columns);
  if (rank == 0 || rank > most)
    throw_error("cannot take rank {} of a layer of {} inputs and {} outputs; expected 1 to {}",
                rank, weight.rows, weight.columns, most);
  const Doubles directions = strongest(gram(weight), rank);
  Factors factors{Matrix<float>(weight.rows, rank), Matrix<float>(rank, weight.columns)};
  for (std::size_t r = 0; r < rank; ++r)
    std::transform(directions.row(r), directions.row(r) + weight.columns,
                   factors.second.row(r).begin(), [](double x) { return static_cast<float>(x); });
  for (std::size_t i = 0; i < weight.rows; ++i) {
    for (std::size_t r = 0; r < rank; ++r) {
      double sum = 0.0;
      for (std::size_t o = 0; o < weight.columns; ++o)
        sum += static_cast<double>(weight.at(i, o)) * directions.row(r)[o];
      factors.first.at(i, r) = static_cast<float>(sum);
    }
  }
  return factors;
}

Matrix<float> product(const Matrix<float>& first, const Matrix<float>& second) {
  Matrix<float> result(first.rows, second.columns);
  for (std::size_t i = 0; i < first.rows; ++i) {
    for (std::size_t r = 0; r < second.rows; ++r) {
      for (std::size_t o = 0; o < second.columns; ++o)
        result.at(i, o) += first.at(i, r) * second.at(r, o);
    }
  }
  return result;
}

}  // namespace nibble
