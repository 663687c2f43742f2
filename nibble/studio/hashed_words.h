// A model without its list of words: each word has the column of its hash.
#pragma once

#include <cstddef>

#include "nibble/model/model.h"
#include "nibble/studio/held_out.h"

namespace nibble {

struct HashedWords {
  Model model;
  HeldOut rows;  // with the model's features
};

// A bucket's first-layer weights are the mean of its words', each weighed by how often it occurs in
// the training rows. Words outside the list count with weights of 0, and so do the words that the
// training rows do not show: of those as many are expected as there are words that occur once
// (Good 1953, Turing), spread evenly over the buckets. An Error if the model has no list of words
// or is quantized.
HashedWords with_hashed_words(const Model& model, const HeldOut& rows, std::size_t buckets);

}  // namespace nibble
