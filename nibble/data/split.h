// Which rows train and which validate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nibble/data/examples.h"

namespace nibble {

struct Split {
  std::vector<std::size_t> training;  // row indices, in the order scikit-learn returns them
  std::vector<std::size_t> validation;
};

// Exactly sklearn.model_selection.train_test_split(test_size=fraction, random_state=seed).
// An Error unless both parts get at least one row. Source: sklearn/model_selection/_split.py,
// ShuffleSplit.
Split shuffle_split(std::size_t rows, double validation_fraction, std::uint32_t seed);

// Exactly the same with stratify=labels: each label keeps its share. Source: _split.py,
// StratifiedShuffleSplit. An Error when a label has fewer than two rows or a part has fewer rows
// than there are labels.
Split stratified_split(std::span<const Label> labels, double validation_fraction,
                       std::uint32_t seed);

// Each row by itself, from its number and the seed: the split of files too large to be permuted in
// memory. A part's size differs from its fraction by chance, about sqrt(rows) rows.
bool validates(std::uint64_t row, double validation_fraction, std::uint32_t seed);
// The rows of both parts, ascending. An Error unless both get at least one.
Split hashed_split(std::size_t rows, double validation_fraction, std::uint32_t seed);

}  // namespace nibble
