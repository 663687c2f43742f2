// SGD for the first layer of a sparse batch. Records are those of train_sparse.h; the place of the
// first moments holds the momentum buffer, that of the second moments nothing.
#pragma once

#include <cstddef>

#include "nibble/kernels/optimizer.h"
#include "nibble/kernels/train_sparse.h"

namespace nibble {

// Steps without a gradient (train/lazy_sgd.h): w += w_from_w * w + w_from_m * m;
// m = m_from_w * w + m_from_m * m, with the w before.
struct SgdCatchUp {
  float w_from_w = 0.0F;
  float w_from_m = 0.0F;
  float m_from_w = 0.0F;
  float m_from_m = 1.0F;
  bool does_nothing() const {
    return w_from_w == 0.0F && w_from_m == 0.0F && m_from_w == 0.0F && m_from_m == 1.0F;
  }
};

void train_sgd_catch_up(const SgdCatchUp& catch_up, const ColumnBlock& block, std::size_t feature);

// The touched features take their SGD step; their weights and buffers must be those of the step
// before.
void train_sparse_sgd_backward(const SparseBatch& batch, const ColumnBlock& block,
                               const SgdStep& step, const float* dy, std::size_t stride);

}  // namespace nibble
