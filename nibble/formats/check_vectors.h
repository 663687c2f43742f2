// Check vectors: a few inputs with the logits that a model gives for them, stored beside it, so
// that whoever runs the model elsewhere can see that it is the same there.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nibble/data/rows.h"
#include "nibble/model/model.h"

namespace nibble {

struct CheckVector {
  // A text; for a model of numbers the columns that are not zero, "3:1 17:-0.5".
  std::string input;
  std::vector<float> logits;
};

// Three of them: words (or columns) from all over the input, some of them more than once (or not
// whole and negative), and nothing at all. The logits are those of the plain loops in
// quant/reference_forward.h and network/reference_forward.h, each input by itself. The same model
// gives the same vectors.
std::vector<CheckVector> make_checks(const Model& model);

// The input as the row that the network takes.
Rows check_row(const Featurizer& featurizer, const CheckVector& check);

// As metadata "check_inputs" and "check_logits", lists of text.
void add_checks(const std::vector<CheckVector>& checks,
                std::map<std::string, std::string>& metadata);
// Empty when there are none. An Error if they do not fit the model.
std::vector<CheckVector> checks_from(const std::map<std::string, std::string>& metadata,
                                     const Model& model);

}  // namespace nibble
