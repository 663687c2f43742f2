// Sums of squares of gradients, for clipping by the norm of all of them. What is summed is what the
// optimizer would take (train_backward.h has that of dense weights). Sums of one row in float, over
// rows in double.
#pragma once

#include <cstddef>

#include "nibble/kernels/train_sparse.h"

namespace nibble {

// Of a bias, whose gradient is the sum of `dy` over the rows (optimizer.h, update_bias).
double bias_gradient_square(std::size_t rows, std::size_t count, const float* dy,
                            std::size_t stride);

// Of the touched features' weights in one block (train_sparse_backward).
double sparse_gradient_square(const SparseBatch& batch, const ColumnBlock& block, const float* dy,
                              std::size_t stride);

}  // namespace nibble
