#include "nibble/infer/predictor.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "nibble/core/error.h"
#include "nibble/infer/layer.h"
#include "nibble/kernels/rows.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {
namespace {

// Rows of one piece of work for the pool: whole register tiles, and so few that all threads are
// busy to the end. At half a microsecond a row the smallest piece takes 12 us, several times what
// it costs to hand it over; the largest is what passes through large layers together.
std::size_t rows_of_a_piece(std::size_t rows, std::size_t threads) {
  constexpr std::size_t kFewest = 4 * kTileRows;
  constexpr std::size_t kPiecesOfAThread = 8;
  const std::size_t tiles = rows / (threads * kPiecesOfAThread * kTileRows);
  return std::clamp(tiles * kTileRows, kFewest, kManyRows);
}

PreparedMlp prepare(Model& model) {
  return std::visit([](auto& network) { return PreparedMlp(std::move(network)); }, model.network);
}

Prediction predict_row(const PreparedMlp& network, const RowsView& row,
                       PreparedMlp::Scratch& scratch) {
  Prediction prediction;
  prediction.logits.resize(network.outputs());
  network.logits(row, prediction.logits, scratch);
  prediction.label = argmax(prediction.logits);
  prediction.probability = probability_of(prediction.logits, prediction.label);
  return prediction;
}

}  // namespace

Predictor::Predictor(Model model)
    : featurizer_(std::move(model.featurizer)),
      labels_(std::move(model.labels)),
      network_(prepare(model)),
      whole_call_is_one_batch_(model.scheme() == Scheme::kInt8Torch) {}

Prediction Predictor::predict(std::string_view text, PreparedMlp::Scratch& scratch) const {
  const auto* bag = std::get_if<BagOfWords>(&featurizer_);
  if (bag == nullptr)
    throw_error("predicting from text: this model takes rows of {} numbers; give it numbers",
                network_.inputs());
  thread_local SparseRows row;  // keeps its storage from call to call
  row.columns = bag->vocabulary.size();
  row.indices.clear();
  row.values.clear();
  row.offsets.resize(1);
  append_bag_of_words(text, bag->vocabulary, row);
  return predict_row(network_, row.view(), scratch);
}

Prediction Predictor::predict(std::span<const float> row, PreparedMlp::Scratch& scratch) const {
  const auto* numeric = std::get_if<Numeric>(&featurizer_);
  if (numeric == nullptr)
    throw_error("predicting from {} numbers: this model takes text; give it text", row.size());
  thread_local AlignedVector<float> scaled;
  scaled.resize(row.size());
  std::ranges::transform(row, scaled.begin(), [&](float x) { return x * numeric->scale; });
  return predict_row(network_, DenseRowsView{1, scaled.size(), scaled.data()}, scratch);
}

Matrix<float> Predictor::logits(const RowsView& rows, ThreadPool* pool) const {
  thread_local PreparedMlp::Scratch scratch;
  const std::size_t count = row_count(rows);
  Matrix<float> result(count, network_.outputs());
  if (pool == nullptr || pool->threads() == 1 || whole_call_is_one_batch_) {
    network_.logits(rows, result.values, scratch);
    return result;
  }
  const std::size_t piece_rows = rows_of_a_piece(count, pool->threads());
  pool->run((count + piece_rows - 1) / piece_rows, [&](std::size_t piece) {
    const std::size_t first = piece * piece_rows;
    const std::size_t rows_here = std::min(piece_rows, count - first);
    thread_local PreparedMlp::Scratch own_scratch;
    network_.logits(slice(rows, first, rows_here),
                    std::span(result.values)
                        .subspan(first * network_.outputs(), rows_here * network_.outputs()),
                    own_scratch);
  });
  return result;
}

Label argmax(std::span<const float> logits) {
  return static_cast<Label>(std::ranges::max_element(logits) - logits.begin());
}

float probability_of(std::span<const float> logits, Label label) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return static_cast<float>(std::exp(logits[label] - largest) / sum);
}

}  // namespace nibble
