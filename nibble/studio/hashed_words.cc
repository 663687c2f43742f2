#include "nibble/studio/hashed_words.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "nibble/core/error.h"

namespace nibble {
namespace {

std::vector<double> column_sums(const Rows& rows) {
  const auto& sparse = std::get<SparseRows>(rows);
  std::vector<double> sums(sparse.columns);
  for (std::size_t i = 0; i < sparse.indices.size(); ++i)
    sums[sparse.indices[i]] += static_cast<double>(sparse.values[i]);
  return sums;
}

Matrix<float> merged(const Matrix<float>& weight, const Vocabulary& words,
                     const Vocabulary& buckets, const std::vector<double>& word_counts,
                     const std::vector<double>& bucket_counts) {
  const double unseen = static_cast<double>(std::ranges::count(word_counts, 1.0)) /
                        static_cast<double>(buckets.size());
  Matrix<float> result(buckets.size(), weight.columns);
  for (std::size_t w = 0; w < words.size(); ++w) {
    if (word_counts[w] == 0.0) continue;
    const std::size_t bucket = *buckets.column(words.word(w));
    const auto share = static_cast<float>(word_counts[w] / (bucket_counts[bucket] + unseen));
    for (std::size_t o = 0; o < weight.columns; ++o)
      result.at(bucket, o) += share * weight.at(w, o);
  }
  return result;
}

}  // namespace

HashedWords with_hashed_words(const Model& model, const HeldOut& rows, std::size_t buckets) {
  const Vocabulary* words = word_list(model.featurizer);
  if (words == nullptr)
    throw_error("cannot hash the words of this model: it keeps no list of words");
  const Vocabulary hashed = Vocabulary::hashed(buckets);
  const Featurizer featurizer = BagOfWords{hashed};
  HashedWords result{model,
                     {make_part(rows.training.examples, featurizer),
                      make_part(rows.validation.examples, featurizer)}};
  result.model.featurizer = featurizer;
  auto& first = std::get<Mlp>(result.model.network).layers.front();
  first.weight = merged(first.weight, *words, hashed, column_sums(rows.training.rows),
                        column_sums(result.rows.training.rows));
  return result;
}

}  // namespace nibble
