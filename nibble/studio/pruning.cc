#include "nibble/studio/pruning.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/studio/judge.h"

namespace nibble {
namespace {

std::vector<std::size_t> columns_in_use(const Matrix<float>& outputs) {
  std::vector<bool> fires(outputs.columns);
  for (std::size_t r = 0; r < outputs.rows; ++r) {
    for (std::size_t o = 0; o < outputs.columns; ++o)
      if (outputs.at(r, o) != 0.0F) fires[o] = true;
  }
  std::vector<std::size_t> used;
  for (std::size_t o = 0; o < fires.size(); ++o)
    if (fires[o]) used.push_back(o);
  if (used.empty()) used.push_back(0);
  return used;
}

void keep_outputs(Linear& layer, std::span<const std::size_t> kept) {
  Linear smaller(layer.inputs(), kept.size());
  for (std::size_t o = 0; o < kept.size(); ++o) {
    smaller.bias[o] = layer.bias[kept[o]];
    for (std::size_t i = 0; i < layer.inputs(); ++i)
      smaller.weight.at(i, o) = layer.weight.at(i, kept[o]);
  }
  layer = std::move(smaller);
}

std::size_t hidden_neurons(const Model& model) {
  const MlpShape shape = model.shape();
  return std::accumulate(shape.hidden.begin(), shape.hidden.end(), std::size_t{0});
}

}  // namespace

Mlp without_dead_neurons(const Mlp& mlp, const RowsView& rows) {
  const auto outputs = layer_outputs(PreparedMlp(mlp), rows);
  Mlp result = mlp;
  for (std::size_t l = 0; l + 1 < result.layers.size(); ++l) {
    const auto used = columns_in_use(outputs[l]);
    if (used.size() == result.layers[l].outputs()) continue;
    keep_outputs(result.layers[l], used);
    result.layers[l + 1].weight = with_inputs(result.layers[l + 1].weight, used);
  }
  return result;
}

Model without_dead_neurons(Model model, const RowsView& rows) {
  const std::size_t before = hidden_neurons(model);
  model.network = without_dead_neurons(std::get<Mlp>(model.network), rows);
  model.provenance.settings["dead_neurons"] =
      fmt::format("{} of {}", before - hidden_neurons(model), before);
  return model;
}

Model with_weightiest_words(Model model, std::size_t words) {
  const auto* bag = std::get_if<BagOfWords>(&model.featurizer);
  if (bag == nullptr)
    throw_error("cannot keep {} words: this model takes rows of {} numbers, not texts", words,
                column_count(model.featurizer));
  if (hashes_words(model.featurizer))
    throw_error("cannot keep {} words: this model has no list of words, they are hashed", words);
  const std::size_t before = bag->vocabulary.size();
  if (before <= words) return model;
  Matrix<float>& weight = std::get<Mlp>(model.network).layers.front().weight;
  std::vector<std::size_t> kept = inputs_by_norm(weight);
  kept.resize(words);
  std::ranges::sort(kept);
  weight = with_inputs(weight, kept);
  model.featurizer = BagOfWords{with_words(bag->vocabulary, kept), bag->stored_compressed};
  model.provenance.settings["words_kept"] = fmt::format("{} of {}", words, before);
  return model;
}

std::vector<std::size_t> inputs_by_norm(const Matrix<float>& first_layer) {
  std::vector<double> norms(first_layer.rows);
  for (std::size_t i = 0; i < norms.size(); ++i) {
    for (const float w : first_layer.row(i)) norms[i] += 1.0 * w * w;
  }
  std::vector<std::size_t> order(norms.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return norms[a] > norms[b]; });
  return order;
}

Matrix<float> with_inputs(const Matrix<float>& weight, std::span<const std::size_t> kept) {
  Matrix<float> result(kept.size(), weight.columns);
  for (std::size_t i = 0; i < kept.size(); ++i)
    std::ranges::copy(weight.row(kept[i]), result.row(i).begin());
  return result;
}

SparseRows with_columns(const SparseRows& rows, std::span<const std::size_t> kept) {
  constexpr std::uint32_t kGone = 0xFFFFFFFF;
  std::vector<std::uint32_t> place(rows.columns, kGone);
  for (std::size_t i = 0; i < kept.size(); ++i) place[kept[i]] = static_cast<std::uint32_t>(i);
  SparseRows result;
  result.columns = kept.size();
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const auto columns = rows.view().row_indices(r);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (place[columns[i]] == kGone) continue;
      result.indices.push_back(place[columns[i]]);
      result.values.push_back(rows.view().row_values(r)[i]);
    }
    result.end_row();
  }
  return result;
}

Vocabulary with_words(const Vocabulary& vocabulary, std::span<const std::size_t> kept) {
  std::vector<std::string> words;
  words.reserve(kept.size());
  for (const std::size_t column : kept) words.emplace_back(vocabulary.word(column));
  return Vocabulary(words);
}

}  // namespace nibble
