// A matrix as the product of two thin ones: the best approximation of its rank.
#pragma once

#include <cstddef>

#include "nibble/core/aligned.h"

namespace nibble {

struct Factors {
  Matrix<float> first;   // [inputs][rank]
  Matrix<float> second;  // [rank][outputs], rows orthonormal, strongest first
};

// first * second is nearest to the weights in squared error among all matrices of this rank
// (Eckart and Young, 1936), found by 60 rounds of subspace iteration on the smaller Gram matrix,
// with 4 directions more than asked for. An Error if the rank is 0 or above the smaller side.
Factors factorize(const Matrix<float>& weight, std::size_t rank);

// first * second, [inputs][outputs].
Matrix<float> product(const Matrix<float>& first, const Matrix<float>& second);

}  // namespace nibble
