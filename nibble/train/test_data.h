// Small made-up problems for the tests of this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nibble/core/random.h"
#include "nibble/data/rows.h"
#include "nibble/train/train.h"

namespace nibble::test {

struct Problem {
  SparseRows sparse;
  DenseRows dense;  // the same rows
  std::vector<Label> labels;

  LabelledRows as_sparse() const { return {sparse.view(), labels}; }
  LabelledRows as_dense() const { return {view_of(dense), labels}; }
};

// Like a bag of words: few words are common, most are rare; the label leans on the parity of the
// rarest word. About `per_row` words in a row, some twice.
inline Problem bag_of_words(std::size_t rows, std::size_t words, std::size_t per_row,
                            std::size_t labels, std::uint32_t seed) {
  Problem p;
  p.sparse.columns = words;
  p.dense = DenseRows(rows, words);
  for (std::size_t r = 0; r < rows; ++r) {
    std::size_t rarest = 0;
    for (std::size_t i = 0; i < per_row; ++i) {
      const float u = unit_float(philox({seed, RandomStream::kSample}, i, r)[0]);
      const auto word = static_cast<std::size_t>(static_cast<float>(words) * u * u * u);
      p.dense.at(r, word) += 1.0F;
      rarest = std::max(rarest, word);
    }
    for (std::size_t w = 0; w < words; ++w) {
      if (p.dense.at(r, w) == 0.0F) continue;
      p.sparse.indices.push_back(static_cast<std::uint32_t>(w));
      p.sparse.values.push_back(p.dense.at(r, w));
    }
    p.sparse.end_row();
    p.labels.push_back(static_cast<Label>(rarest % labels));
  }
  return p;
}

}  // namespace nibble::test
