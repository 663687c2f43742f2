#include "nibble/studio/judge.h"

#include <utility>

#include "nibble/measure/accuracy.h"

namespace nibble {

Matrix<float> logits_of(const PreparedMlp& network, const RowsView& rows) {
  Matrix<float> logits(row_count(rows), network.outputs());
  PreparedMlp::Scratch scratch;
  network.logits(rows, logits.values, scratch);
  return logits;
}

double square_distance(const Matrix<float>& a, const Matrix<float>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double difference = 1.0 * a.values[i] - b.values[i];
    sum += difference * difference;
  }
  return sum;
}

Verdict judge(const PreparedMlp& network, const LabelledRows& rows) {
  Verdict verdict;
  verdict.logits = logits_of(network, rows.rows);
  const std::size_t right = count_equal(answers(verdict.logits), rows.labels);
  verdict.accuracy = 100.0 * static_cast<double>(right) / static_cast<double>(rows.labels.size());
  verdict.loss = mean_loss(verdict.logits, rows.labels);
  return verdict;
}

Verdict judge(Mlp network, const LabelledRows& rows) {
  return judge(PreparedMlp(std::move(network)), rows);
}

Verdict judge(QuantizedMlp network, const LabelledRows& rows) {
  return judge(PreparedMlp(std::move(network)), rows);
}

std::vector<Matrix<float>> layer_outputs(const PreparedMlp& network, const RowsView& rows) {
  std::vector<Matrix<float>> outputs(network.layer_count());
  PreparedMlp::Scratch scratch;
  network.run_layer(0, rows, scratch, &outputs[0]);
  for (std::size_t l = 1; l < outputs.size(); ++l)
    network.run_layer(l, view_of(outputs[l - 1]), scratch, &outputs[l]);
  return outputs;
}

}  // namespace nibble
