// Backward pass of one dense layer, fused with its optimizer step so that weights and moments are
// streamed once.
//
// For every input k of a range: dW[k] = sum over rows of x[r][k] dy[r]; dx[r][k] = dy[r] . W[k]
// with W as it was before this step; then the optimizer on row k. Rows with x[r][k] = 0 are
// skipped: they add nothing to dW, and after a ReLU with dropout (where more than half are 0) their
// dx is 0 as well, the derivative of both being 0 there. Each input is worked alone and its sums
// run over the rows in order, so results do not depend on how inputs or, for dx, rows are cut.
#pragma once

#include <cstddef>

#include "nibble/kernels/optimizer.h"

namespace nibble {

inline constexpr std::size_t kBackwardInputs = 16;  // a range starts at a multiple of this

struct BackwardLayer {
  std::size_t rows = 0;
  std::size_t outputs = 0;    // multiple of kTrainLanes, also the stride of dy, w, m, v
  const float* x = nullptr;   // rows x inputs, x_stride apart
  std::size_t x_stride = 0;   // multiple of kBackwardInputs; what pads a row is 0
  const float* dy = nullptr;  // rows x outputs
  float* w = nullptr;         // inputs x outputs
  float* m = nullptr;         // the optimizer's, as w
  float* v = nullptr;         // as m; SGD does not touch it
  float* dx = nullptr;        // as x, or null when nobody asks for it
  float dx_scale = 1.0F;      // dropout's factor for kept values
};

// dW and the optimizer step, and dx unless it is null, for inputs first .. first + count - 1.
// Writes whole groups of kBackwardInputs columns of dx.
void train_backward(const BackwardLayer& layer, const OptimizerStep& step, std::size_t first,
                    std::size_t count);

// The sum of squares of dW, and dx unless it is null; changes no weight.
double train_gradient_square(const BackwardLayer& layer, std::size_t first, std::size_t count);

// dx alone, for the first `inputs` inputs.
void train_backward_inputs(const BackwardLayer& layer, std::size_t inputs);

}  // namespace nibble
