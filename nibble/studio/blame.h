// Which layer costs the accuracy: a network beside its quantized (or otherwise changed) form, layer
// by layer.
//
// Accuracies say little when they move by three rows of a thousand. So the layer to blame is found
// by the logits: a layer's share is by how much their squared distance from the original's shrinks
// when that layer alone is put back. Shares of several layers need not add up to 1; one below 0
// made good what others had done.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"
#include "nibble/train/row_source.h"

namespace nibble {

struct LayerBlame {
  std::string encoding;
  double sqnr_db = 0.0;  // of the weights: 10 log10(sum w^2 / sum (w - w^)^2); infinity if equal
  double output_error = 0.0;    // per cent: |y^ - y| / |y| of its outputs for the original's inputs
  double only_quantized = 0.0;  // accuracy with only this layer changed, per cent
  double only_restored = 0.0;   // accuracy with all but this layer changed
  double share = 0.0;           // of the change in the logits, per cent
  std::size_t flips = 0;        // rows with another answer, only this layer changed
};

struct FlippedRow {
  std::size_t row = 0;
  Label truth = 0;
  Label before = 0;
  Label after = 0;
};

// An input (a word's column) and by how much it moved the flipped rows from their old answer to the
// new: for each row that holds it, how much less logit(after) - logit(before) would have grown
// without it, summed.
struct MovingInput {
  std::size_t input = 0;
  double moved = 0.0;
  std::size_t rows = 0;
};

struct Blame {
  std::string name;
  double original_accuracy = 0.0;
  double accuracy = 0.0;
  std::vector<LayerBlame> layers;
  std::size_t worst = 0;  // the layer of the largest share
  std::vector<FlippedRow> flipped;
  std::vector<MovingInput> inputs;  // that moved most, first; 20 at most
};

// An Error unless `changed` has the original's layers, or factors of them.
Blame blame(const Mlp& original, const QuantizedMlp& changed, const std::string& name,
            const LabelledRows& rows);

}  // namespace nibble
