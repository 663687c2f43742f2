// The textbook forward pass: plain loops, no cleverness. Everything faster is tested against it.
#pragma once

#include "nibble/core/aligned.h"
#include "nibble/data/rows.h"
#include "nibble/network/mlp.h"

namespace nibble {

// Logits, [rows][outputs]: from the bias over ascending inputs, product and sum rounded together
// (std::fma), so that every CPU gives the same bits. An Error if the rows have another number of
// columns than the network has inputs.
Matrix<float> reference_logits(const Mlp& mlp, const RowsView& rows);

// max(0, x) for every value in place.
void relu(Matrix<float>& values);

// An Error that names both numbers when rows of `columns` features meet a network of `inputs`
// inputs.
void require_columns(std::size_t columns, std::size_t inputs);

}  // namespace nibble
