// Taking out of a network what it does not use: hidden neurons that never fire, words that say
// little.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nibble/data/rows.h"
#include "nibble/model/model.h"
#include "nibble/network/mlp.h"

namespace nibble {

// The network without the hidden neurons whose output is 0 for every one of these rows, and so has
// no part in any answer to them; a layer keeps one neuron at least. Answers to these rows stay what
// they are, up to the order of sums. (SST-2, reference network: 67 of 448 neurons of layers 2 to 4,
// 17 % of the hidden weights.)
Mlp without_dead_neurons(const Mlp& mlp, const RowsView& rows);

// The inputs by how much they matter, most first: the norm of an input's first-layer weights.
// Feasibility on SST-2: keeping by norm beats keeping by frequency from half the words down.
std::vector<std::size_t> inputs_by_norm(const Matrix<float>& first_layer);

// The same for a float model, which keeps among its settings how many went ("dead_neurons").
Model without_dead_neurons(Model model, const RowsView& rows);

// A float model with only this many words, by inputs_by_norm, and their number among its settings
// ("words_kept"); other words then count as unknown ones. The same model if it has no more. An
// Error if it takes numbers or hashes its words.
Model with_weightiest_words(Model model, std::size_t words);

// Only the chosen inputs (ascending), for weights, rows and a vocabulary.
Matrix<float> with_inputs(const Matrix<float>& weight, std::span<const std::size_t> kept);
SparseRows with_columns(const SparseRows& rows, std::span<const std::size_t> kept);
Vocabulary with_words(const Vocabulary& vocabulary, std::span<const std::size_t> kept);

}  // namespace nibble
