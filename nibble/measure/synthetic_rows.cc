#include "nibble/measure/synthetic_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include "nibble/core/random.h"

namespace nibble {
namespace {

constexpr std::uint32_t kSeed = 20;

// (columns + 1)^u with u uniform: the logarithm of the rank (counted from 1) is uniform, so rank k
// has probability about 1 / (k log columns).
std::size_t zipf_rank(std::uint32_t word, std::size_t columns) {
  const double rank = std::pow(static_cast<double>(columns + 1), unit_float(word));
  return std::min(columns, static_cast<std::size_t>(rank)) - 1;
}

}  // namespace

SparseRows synthetic_bags(std::size_t rows, std::size_t columns) {
  const std::vector<std::uint32_t> column_of_rank = shuffled_order(columns, kSeed, 0);
  const std::size_t words = std::min(kSyntheticWords, columns);
  SparseRows bags;
  bags.columns = columns;
  for (std::size_t row = 0; row < rows; ++row) {
    std::set<std::uint32_t> chosen;
    for (std::uint64_t draw = 0; chosen.size() < words; ++draw) {
      const auto random = philox({kSeed, RandomStream::kSample}, row, draw);
      chosen.insert(column_of_rank[zipf_rank(random[0], columns)]);
    }
    for (const std::uint32_t column : chosen) {
      const auto random = philox({kSeed + 1, RandomStream::kSample}, row, column);
      bags.indices.push_back(column);
      bags.values.push_back(random[0] % 16 == 0 ? 2.0F : 1.0F);
    }
    bags.end_row();
  }
  return bags;
}

DenseRows synthetic_numbers(std::size_t rows, std::size_t columns) {
  DenseRows numbers(rows, columns);
  for (std::size_t i = 0; i < numbers.values.size(); ++i) {
    const auto random = philox({kSeed, RandomStream::kSample}, i);
    numbers.values[i] = random[0] % 2 == 0 ? 0.0F : unit_float(random[1]);
  }
  return numbers;
}

Rows synthetic_rows(std::size_t rows, const Featurizer& featurizer) {
  const std::size_t columns = column_count(featurizer);
  if (input_kind(featurizer) == InputKind::kSparse) return synthetic_bags(rows, columns);
  return synthetic_numbers(rows, columns);
}

Texts texts_of(const SparseRows& rows, const Vocabulary& vocabulary) {
  Texts texts;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    std::string text;
    for (const std::uint32_t column : rows.view().row_indices(row)) {
      if (!text.empty()) text += ' ';
      text += vocabulary.column_name(column);
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace nibble
