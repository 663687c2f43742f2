// Rows to time a model with where no data is at hand. They look like the real thing to the caches;
// their labels mean nothing.
#pragma once

#include <cstddef>

#include "nibble/data/examples.h"
#include "nibble/data/rows.h"
#include "nibble/model/model.h"

namespace nibble {

inline constexpr std::size_t kSyntheticWords = 15;  // non-zeros of a row, as in SST-2

// Bags of words: 15 different columns each (fewer if there are not so many). The column of rank k
// is drawn with probability about 1/k (Zipf's law), so that of 10,000 columns the 1,000 most
// frequent get three quarters; ranks are spread over the columns. Counts are 1, one in 16 is 2.
SparseRows synthetic_bags(std::size_t rows, std::size_t columns);

// Uniform in [0, 1), every second value 0 on average, as after a ReLU or in an image.
DenseRows synthetic_numbers(std::size_t rows, std::size_t columns);

// The kind that the featurizer makes.
Rows synthetic_rows(std::size_t rows, const Featurizer& featurizer);

// The words of each row, joined by blanks, a count of 2 given once.
Texts texts_of(const SparseRows& rows, const Vocabulary& vocabulary);

}  // namespace nibble
