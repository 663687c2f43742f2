// How well a network answers labelled rows.
#pragma once

#include <cstddef>
#include <vector>

#include "nibble/infer/prepared_mlp.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"
#include "nibble/train/row_source.h"

namespace nibble {

struct Verdict {
  double accuracy = 0.0;  // per cent
  double loss = 0.0;      // mean cross-entropy
  Matrix<float> logits;
};

Matrix<float> logits_of(const PreparedMlp& network, const RowsView& rows);

Verdict judge(const PreparedMlp& network, const LabelledRows& rows);
Verdict judge(Mlp network, const LabelledRows& rows);
Verdict judge(QuantizedMlp network, const LabelledRows& rows);

// The sum of squared differences of two matrices of one shape.
double square_distance(const Matrix<float>& a, const Matrix<float>& b);

// What comes out of each layer, after its ReLU, for these rows: outputs[l] is [rows][outputs of l].
std::vector<Matrix<float>> layer_outputs(const PreparedMlp& network, const RowsView& rows);

}  // namespace nibble
