// Examples: what a data file says, before any features are made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "nibble/data/rows.h"

namespace nibble {

using Label = std::int32_t;  // index into LabelNames
using LabelNames = std::vector<std::string>;
using Texts = std::vector<std::string>;  // valid UTF-8

// One input and one label for each row. Inputs are either texts or numbers, never mixed.
struct Examples {
  std::variant<Texts, DenseRows> inputs;
  std::vector<Label> labels;
  LabelNames label_names;
  std::string source;  // the file or data set they came from, for messages
  std::string sha256;  // of the file's bytes; empty if the examples were made from others
  // What numbers are to be multiplied by before training: 1/255 where the format itself says that
  // they are bytes of an image (IDX).
  float scale = 1.0F;

  std::size_t rows() const { return labels.size(); }
  bool is_text() const { return std::holds_alternative<Texts>(inputs); }
  const Texts& texts() const { return std::get<Texts>(inputs); }
  const DenseRows& numbers() const { return std::get<DenseRows>(inputs); }
};

// Copies the chosen rows, in the order given; label names and source stay.
Examples select_examples(const Examples& examples, const std::vector<std::size_t>& chosen);

// The same rows with labels numbered as in `known`; an Error for a label that is not there.
Examples with_labels_of(Examples examples, const LabelNames& known);

// An Error, naming the source, unless a classifier can be trained: at least two labels, and at
// least as many rows as labels.
void require_trainable(const Examples& examples);
void require_trainable(const std::string& source, const LabelNames& labels, std::size_t rows);

}  // namespace nibble
