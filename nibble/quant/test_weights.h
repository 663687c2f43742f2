// Weights for this room's tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "nibble/core/aligned.h"
#include "nibble/core/random.h"

namespace nibble {

// Normally distributed (Box-Muller) with this standard deviation.
inline Matrix<float> normal_weights(std::size_t rows, std::size_t columns, float deviation,
                                    std::uint32_t seed = 1) {
  Matrix<float> weight(rows, columns);
  for (std::size_t i = 0; i < weight.values.size(); ++i) {
    const auto words = philox({seed, RandomStream::kSample}, i);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - unit_float(words[0])));
    weight.values[i] =
        deviation *
        static_cast<float>(radius * std::cos(2.0 * std::numbers::pi * unit_float(words[1])));
  }
  return weight;
}

inline Matrix<float> uniform_weights(std::size_t rows, std::size_t columns, float bound,
                                     std::uint32_t seed = 1) {
  Matrix<float> weight(rows, columns);
  for (std::size_t i = 0; i < weight.values.size(); ++i) {
    const auto words = philox({seed, RandomStream::kSample}, i);
    weight.values[i] = bound * (2.0F * unit_float(words[0]) - 1.0F);
  }
  return weight;
}

inline double squared_error(const Matrix<float>& a, const Matrix<float>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    sum += std::pow(static_cast<double>(a.values[i]) - static_cast<double>(b.values[i]), 2);
  return sum;
}

template <typename T, typename... Values>
Matrix<T> matrix_of(std::size_t rows, std::size_t columns, Values... values) {
  Matrix<T> matrix;
  matrix.rows = rows;
  matrix.columns = columns;
  matrix.values = {static_cast<T>(values)...};
  return matrix;
}

}  // namespace nibble
