#include "nibble/measure/accuracy.h"

#include <cassert>

#include "nibble/measure/statistics.h"
#include "nibble/network/loss.h"

namespace nibble {

std::vector<Label> answers(const Matrix<float>& logits) {
  std::vector<Label> labels(logits.rows);
  for (std::size_t row = 0; row < logits.rows; ++row) labels[row] = argmax(logits.row(row));
  return labels;
}

std::vector<Label> predict_labels(const Predictor& predictor, const RowsView& rows,
                                  ThreadPool* pool) {
  return answers(predictor.logits(rows, pool));
}

double mean_loss(const Matrix<float>& logits, std::span<const Label> truth) {
  double sum = 0.0;
  for (std::size_t row = 0; row < logits.rows; ++row)
    sum += cross_entropy(logits.row(row), truth[row]);
  return sum / static_cast<double>(logits.rows);
}

std::size_t count_equal(std::span<const Label> predicted, std::span<const Label> truth) {
  assert(predicted.size() == truth.size());
  std::size_t equal = 0;
  for (std::size_t row = 0; row < truth.size(); ++row) equal += predicted[row] == truth[row];
  return equal;
}

std::vector<std::vector<std::size_t>> confusion_counts(std::span<const Label> predicted,
                                                       std::span<const Label> truth,
                                                       std::size_t classes) {
  assert(predicted.size() == truth.size());
  std::vector<std::vector<std::size_t>> counts(classes, std::vector<std::size_t>(classes));
  for (std::size_t row = 0; row < truth.size(); ++row) {
    ++counts[static_cast<std::size_t>(truth[row])][static_cast<std::size_t>(predicted[row])];
  }
  return counts;
}

Flips flips_against(std::span<const Label> original, std::span<const Label> predicted,
                    std::span<const Label> truth) {
  assert(original.size() == truth.size() && predicted.size() == truth.size());
  Flips flips;
  for (std::size_t row = 0; row < truth.size(); ++row) {
    if (predicted[row] == original[row]) continue;
    flips.rows.push_back(row);
    flips.gained += predicted[row] == truth[row];
    flips.lost += original[row] == truth[row];
  }
  flips.mcnemar_p = mcnemar_p(flips.gained, flips.lost);
  return flips;
}

}  // namespace nibble
