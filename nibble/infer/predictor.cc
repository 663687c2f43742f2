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

// None yet; the storage stays from call to call.
SparseRows& new_rows(const BagOfWords& bag) {
  thread_local SparseRows rows;
  rows.columns = bag.vocabulary.size();
  rows.indices.clear();
  rows.values.clear();
  rows.offsets.resize(1);
  return rows;
}

}  // namespace

Predictor::Predictor(Model model)
    : featurizer_(std::move(model.featurizer)),
      labels_(std::move(model.labels)),
      network_(prepare(model)),
      whole_call_is_one_batch_(model.scheme() == Scheme::kInt8Torch) {}

const BagOfWords& Predictor::bag_of_words() const {
  const auto* bag = std::get_if<BagOfWords>(&featurizer_);
  if (bag == nullptr)
    throw_error("predicting from text: this model takes rows of {} numbers; give it numbers",
                network_.inputs());
  return *bag;
}

Prediction Predictor::predict(std::string_view text, PreparedMlp::Scratch& scratch) const {
  const BagOfWords& bag = bag_of_words();
  SparseRows& row = new_rows(bag);
  append_bag_of_words(text, bag.vocabulary, row);
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

// Calls answer(first row, rows, their logits, scratch) for all rows, pieces of them on the pool.
template <typename Answer>
Matrix<float> Predictor::in_pieces(std::size_t rows, ThreadPool* pool, const Answer& answer) const {
  Matrix<float> result(rows, network_.outputs());
  const auto answer_some = [&](std::size_t first, std::size_t count) {
    thread_local PreparedMlp::Scratch scratch;
    answer(first, count,
           std::span(result.values).subspan(first * result.columns, count * result.columns),
           scratch);
  };
  if (pool == nullptr || pool->threads() == 1 || whole_call_is_one_batch_) {
    answer_some(0, rows);
    return result;
  }
  const std::size_t piece_rows = rows_of_a_piece(rows, pool->threads());
  pool->run((rows + piece_rows - 1) / piece_rows, [&](std::size_t piece) {
    const std::size_t first = piece * piece_rows;
    answer_some(first, std::min(piece_rows, rows - first));
  });
  return result;
}

Matrix<float> Predictor::logits(const RowsView& rows, ThreadPool* pool) const {
  return in_pieces(row_count(rows), pool,
                   [&](std::size_t first, std::size_t count, std::span<float> logits,
                       PreparedMlp::Scratch& scratch) {
                     network_.logits(slice(rows, first, count), logits, scratch);
                   });
}

Matrix<float> Predictor::logits(std::span<const std::string> texts, ThreadPool* pool) const {
  const BagOfWords& bag = bag_of_words();
  return in_pieces(texts.size(), pool,
                   [&](std::size_t first, std::size_t count, std::span<float> logits,
                       PreparedMlp::Scratch& scratch) {
                     SparseRows& rows = new_rows(bag);
                     for (const std::string& text : texts.subspan(first, count))
                       append_bag_of_words(text, bag.vocabulary, rows);
                     network_.logits(rows.view(), logits, scratch);
                   });
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
