// Second-order rounding: codes chosen so that a layer's outputs, not its weights, stay near.
//
// Rounding input i's weights leaves an error in the outputs that the weights of later inputs can
// take back, as far as the inputs occur together. With H = sum of x x' over calibration rows, and U
// the upper Cholesky factor of the inverse of H + damping, row i is rounded, and every later row j
// loses U_ij / U_ii times row i's error (GPTQ, Frantar 2022, 2210.17323, with the order of the
// inputs as it is). Scales stay those of grouped.h's search.
//
// H of 10,000 words has 10^8 entries; so it is taken in blocks along its diagonal of inputs that
// are often together: blocks of kHessianBlock, inputs sorted by their own weight in H. What lies
// outside the blocks counts as 0.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/data/rows.h"
#include "nibble/quant/grouped.h"

namespace nibble {

inline constexpr std::size_t kHessianBlock = 512;

// A block of H: of these inputs, [inputs.size()][inputs.size()].
struct HessianBlock {
  std::vector<std::size_t> inputs;
  Matrix<double> products;
};

// From the rows that enter a layer. Up to kHessianBlock inputs make one block, in their own order.
std::vector<HessianBlock> hessian_of(const RowsView& rows);

// How much each input's weights count: the mean of its x^2 over the rows (of a bag of words: how
// often the word occurs), and a hundredth of the mean over all inputs, lest an input that these
// rows never use be stored anyhow. For encode_grouped.
std::vector<float> importance_of(const RowsView& rows);

// As encode_grouped, with the codes rounded in this way. Damping adds a hundredth of the mean of a
// block's diagonal to it; inputs that never occur are rounded to the nearest.
GroupedMatrix encode_second_order(const Matrix<float>& weight, const GroupedForm& form,
                                  const std::vector<HessianBlock>& hessian);

}  // namespace nibble
