// Forward pass of training: small dense products, ReLU, sums of matrix rows.
//
// Every pointer is 64-byte aligned and every width and stride a multiple of kTrainLanes; padding is
// 0. Each output is summed over its inputs in ascending order, whatever the tile, so results do not
// depend on how rows are cut into pieces.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/adam.h"

namespace nibble {

// y = x w + bias (null: 0) for `rows` rows: x is rows x inputs (rows x_stride apart, need not be
// padded), w is inputs x outputs without gaps, y is rows x outputs without gaps.
void train_forward(std::size_t rows, std::size_t inputs, std::size_t outputs, const float* x,
                   std::size_t x_stride, const float* w, const float* bias, float* y);

// y = bias + parts[0] + parts[1] + ...: a product whose inputs were cut into `parts` parts, each
// rows x outputs, part_stride floats apart.
void train_sum_parts(std::size_t rows, std::size_t outputs, std::size_t parts, const float* part,
                     std::size_t part_stride, const float* bias, float* y);

// y = bias + sum of value * w[index] over one sparse row. Rows of w lie w_stride floats apart.
void train_sum_rows(std::size_t count, const std::uint32_t* indices, const float* values,
                    std::size_t outputs, const float* w, std::size_t w_stride, const float* bias,
                    float* y);

// y = max(0, y); a NaN stays.
void train_relu(std::size_t count, float* y);

}  // namespace nibble
