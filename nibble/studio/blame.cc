#include "nibble/studio/blame.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <variant>

#include "nibble/core/error.h"
#include "nibble/infer/prepared_mlp.h"
#include "nibble/measure/accuracy.h"
#include "nibble/studio/judge.h"

namespace nibble {
namespace {

constexpr std::size_t kMostInputs = 20;

// What stands for one layer of the original: itself, or two factors.
using Stored = std::vector<QuantizedLinear>;

std::vector<Stored> by_layer(const QuantizedMlp& changed) {
  std::vector<Stored> layers(1);
  for (const QuantizedLinear& layer : changed.layers) {
    layers.back().push_back(layer);
    if (!layer.is_factor) layers.emplace_back();
  }
  layers.pop_back();
  return layers;
}

std::vector<Stored> by_layer(const Mlp& mlp) {
  std::vector<Stored> layers;
  for (const Linear& layer : mlp.layers) layers.push_back({{layer.weight, layer.bias}});
  return layers;
}

QuantizedMlp network_of(const std::vector<Stored>& layers) {
  QuantizedMlp network;
  for (const Stored& layer : layers)
    network.layers.insert(network.layers.end(), layer.begin(), layer.end());
  network.scheme = common_scheme(network.layers);
  return network;
}

void require_same_layers(const Mlp& original, const Mlp& changed) {
  if (original.shape() == changed.shape()) return;
  throw_error(
      "cannot compare the two models: one has layers of other sizes; blame compares a model with "
      "what quantize made of it");
}

double square_norm(const Matrix<float>& a) {
  double sum = 0.0;
  for (const float value : a.values) sum += 1.0 * value * value;
  return sum;
}

double sqnr_db(const Matrix<float>& weight, const Matrix<float>& stored) {
  const double noise = square_distance(weight, stored);
  if (noise == 0.0) return std::numeric_limits<double>::infinity();
  return 10.0 * std::log10(square_norm(weight) / noise);
}

std::string encoding_text(const Stored& layer) {
  std::string text;
  for (const QuantizedLinear& part : layer)
    text += (text.empty() ? "" : " + ") + encoding_name(part.weight);
  return text;
}

// One layer's outputs for the inputs that it has in the original network.
Matrix<float> outputs_of(const Stored& layer, const RowsView& inputs) {
  return layer_outputs(PreparedMlp(network_of({layer})), inputs).back();
}

class Comparison {
 public:
  Comparison(const Mlp& original, const QuantizedMlp& changed, const LabelledRows& rows)
      : rows_(rows),
        original_(by_layer(original)),
        changed_(by_layer(changed)),
        old_network_(network_of(original_)),
        new_network_(network_of(changed_)),
        before_(judge(old_network_, rows)),
        after_(judge(new_network_, rows)),
        old_answers_(answers(before_.logits)),
        inputs_(layer_outputs(old_network_, rows.rows)) {}

  Blame result(const std::string& name, const Mlp& original, const Mlp& decoded) const {
    Blame result{.name = name,
                 .original_accuracy = before_.accuracy,
                 .accuracy = after_.accuracy,
                 .layers = {},
                 .worst = 0,
                 .flipped = flipped(),
                 .inputs = {}};
    for (std::size_t l = 0; l < original_.size(); ++l)
      result.layers.push_back(layer(l, original.layers[l].weight, decoded.layers[l].weight));
    const auto worst = std::ranges::max_element(result.layers, {}, &LayerBlame::share);
    result.worst = static_cast<std::size_t>(worst - result.layers.begin());
    result.inputs = moving_inputs(result.flipped);
    return result;
  }

 private:
  LayerBlame layer(std::size_t l, const Matrix<float>& weight, const Matrix<float>& stored) const {
    std::vector<Stored> only = original_;
    only[l] = changed_[l];
    std::vector<Stored> all_but = changed_;
    all_but[l] = original_[l];
    const Verdict quantized = judge(network_of(only), rows_);
    const Verdict restored = judge(network_of(all_but), rows_);
    const RowsView inputs = l == 0 ? rows_.rows : RowsView(view_of(inputs_[l - 1]));
    const Matrix<float> y = outputs_of(original_[l], inputs);
    const double distance = square_distance(after_.logits, before_.logits);
    LayerBlame found{
        .encoding = encoding_text(changed_[l]),
        .sqnr_db = sqnr_db(weight, stored),
        .only_quantized = quantized.accuracy,
        .only_restored = restored.accuracy,
        .flips = rows_.labels.size() - count_equal(answers(quantized.logits), old_answers_)};
    const double norm = square_norm(y);
    if (norm > 0.0)
      found.output_error =
          100.0 * std::sqrt(square_distance(outputs_of(changed_[l], inputs), y) / norm);
    if (distance > 0.0)
      found.share = 100.0 * (1.0 - square_distance(restored.logits, before_.logits) / distance);
    return found;
  }

  std::vector<FlippedRow> flipped() const {
    const std::vector<Label>& before = old_answers_;
    const auto after = answers(after_.logits);
    std::vector<FlippedRow> rows;
    for (std::size_t r = 0; r < before.size(); ++r)
      if (before[r] != after[r]) rows.push_back({r, rows_.labels[r], before[r], after[r]});
    return rows;
  }

  std::vector<MovingInput> moving_inputs(const std::vector<FlippedRow>& flipped) const {
    std::map<std::size_t, MovingInput> found;
    for (const FlippedRow& row : flipped)
      std::visit([&](const auto& view) { weigh(view, row, found); }, rows_.rows);
    std::vector<MovingInput> inputs;
    for (const auto& [column, input] : found) inputs.push_back(input);
    std::ranges::stable_sort(inputs, [](const MovingInput& a, const MovingInput& b) {
      return std::fabs(a.moved) > std::fabs(b.moved);
    });
    inputs.resize(std::min(inputs.size(), kMostInputs));
    return inputs;
  }

  // How far the new network lies beyond the old one on the way to the row's new answer.
  double pull(const SparseRowsView& row, const FlippedRow& flip) const {
    PreparedMlp::Scratch scratch;
    std::vector<float> old_logits(old_network_.outputs());
    std::vector<float> new_logits(old_network_.outputs());
    old_network_.logits(row, old_logits, scratch);
    new_network_.logits(row, new_logits, scratch);
    return (1.0 * new_logits[flip.after] - new_logits[flip.before]) -
           (1.0 * old_logits[flip.after] - old_logits[flip.before]);
  }

  void weigh(const SparseRowsView& rows, const FlippedRow& flip,
             std::map<std::size_t, MovingInput>& found) const {
    const auto columns = rows.row_indices(flip.row);
    const auto values = rows.row_values(flip.row);
    const double whole = pull(rows.slice(flip.row, 1), flip);
    for (std::size_t left_out = 0; left_out < columns.size(); ++left_out) {
      SparseRows without;
      without.columns = rows.columns;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i == left_out) continue;
        without.indices.push_back(columns[i]);
        without.values.push_back(values[i]);
      }
      without.end_row();
      MovingInput& input = found[columns[left_out]];
      input.input = columns[left_out];
      input.moved += whole - pull(without.view(), flip);
      ++input.rows;
    }
  }
  void weigh(const DenseRowsView& rows, const FlippedRow& flip,
             std::map<std::size_t, MovingInput>& found) const {
    SparseRows row;
    row.columns = rows.columns;
    for (std::size_t i = 0; i < rows.columns; ++i) {
      if (rows.row(flip.row)[i] == 0.0F) continue;
      row.indices.push_back(static_cast<std::uint32_t>(i));
      row.values.push_back(rows.row(flip.row)[i]);
    }
    row.end_row();
    FlippedRow first = flip;
    first.row = 0;
    weigh(row.view(), first, found);
  }

  LabelledRows rows_;
  std::vector<Stored> original_;
  std::vector<Stored> changed_;
  PreparedMlp old_network_;
  PreparedMlp new_network_;
  Verdict before_;
  Verdict after_;
  std::vector<Label> old_answers_;
  std::vector<Matrix<float>> inputs_;  // inputs_[l]: the original's outputs of layer l
};

}  // namespace

Blame blame(const Mlp& original, const QuantizedMlp& changed, const std::string& name,
            const LabelledRows& rows) {
  const Mlp decoded = dequantize(changed);
  require_same_layers(original, decoded);
  return Comparison(original, changed, rows).result(name, original, decoded);
}

}  // namespace nibble
