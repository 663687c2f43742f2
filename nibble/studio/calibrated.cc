#include "nibble/studio/calibrated.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/core/threads.h"
#include "nibble/quant/low_rank.h"
#include "nibble/quant/second_order.h"
#include "nibble/studio/judge.h"
#include "nibble/train/train.h"

namespace nibble {
namespace {

constexpr std::array<std::string_view, 3> kRoundings = {"nearest", "importance", "second-order"};

// One layer, or a factor, alone and without ReLU.
Matrix<float> outputs_of(QuantizedLinear layer, const RowsView& inputs) {
  layer.is_factor = false;
  QuantizedMlp alone;
  alone.layers.push_back(std::move(layer));
  alone.scheme = common_scheme(alone.layers);
  return logits_of(PreparedMlp(std::move(alone)), inputs);
}

Matrix<float> outputs_of(const Matrix<float>& weight, const RowsView& inputs) {
  return outputs_of(QuantizedLinear{weight, AlignedVector<float>(weight.columns)}, inputs);
}

// With importance to the power that keeps the outputs nearest: frequent inputs need not matter
// most.
EncodedMatrix encode_by_importance(const Matrix<float>& weight, const GroupedForm& form,
                                   const RowsView& inputs) {
  EncodedMatrix best = encode_grouped(weight, form);
  if (form.block.inputs == 1) return best;
  const Matrix<float> wanted = outputs_of(weight, inputs);
  const auto error_of = [&](const EncodedMatrix& tried) {
    return square_distance(
        wanted, outputs_of(QuantizedLinear{tried, AlignedVector<float>(weight.columns)}, inputs));
  };
  double least = error_of(best);
  const std::vector<float> importance = importance_of(inputs);
  for (const float power : {0.25F, 0.5F, 0.75F, 1.0F}) {
    std::vector<float> tempered(importance.size());
    std::ranges::transform(importance, tempered.begin(),
                           [=](float h) { return std::pow(h, power); });
    EncodedMatrix tried = encode_grouped(weight, form, tempered);
    const double error = error_of(tried);
    if (error >= least) continue;
    least = error;
    best = std::move(tried);
  }
  return best;
}

EncodedMatrix encode_for(const Matrix<float>& weight, const Encoding& encoding, GroupAxis axis,
                         const RowsView& inputs, Rounding rounding) {
  const auto* choice = std::get_if<GroupedChoice>(&encoding);
  if (choice == nullptr || rounding == Rounding::kNearest) return encode(weight, encoding, axis);
  const GroupedForm form = form_of(*choice, axis);
  if (rounding == Rounding::kImportance) return encode_by_importance(weight, form, inputs);
  return encode_second_order(weight, form, hessian_of(inputs));
}

void relu(Matrix<float>& values) {
  for (float& value : values.values) value = std::max(value, 0.0F);
}

struct Moments {
  double wanted_mean = 0.0;
  double given_mean = 0.0;
  double gain = 1.0;  // of what is wanted, as much as is given: within 0..1
};

Moments moments_of(const Matrix<float>& wanted, const Matrix<float>& given, std::size_t output) {
  Moments m;
  const auto rows = static_cast<double>(wanted.rows);
  for (std::size_t r = 0; r < wanted.rows; ++r) {
    m.wanted_mean += wanted.at(r, output) / rows;
    m.given_mean += given.at(r, output) / rows;
  }
  double both = 0.0;
  double squares = 0.0;
  for (std::size_t r = 0; r < wanted.rows; ++r) {
    const double off = wanted.at(r, output) - m.wanted_mean;
    both += off * (given.at(r, output) - m.given_mean);
    squares += off * off;
  }
  if (squares > 0.0) m.gain = std::clamp(both / squares, 0.0, 1.0);
  return m;
}

// Moves the bias, and what is given, so that given ~ gain * wanted, which is 0 where wanted is.
void correct_bias(const Matrix<float>& wanted, Matrix<float>& given, AlignedVector<float>& bias) {
  for (std::size_t o = 0; o < bias.size(); ++o) {
    const Moments m = moments_of(wanted, given, o);
    const auto missing = static_cast<float>(m.gain * m.wanted_mean - m.given_mean);
    bias[o] += missing;
    for (std::size_t r = 0; r < given.rows; ++r) given.at(r, o) += missing;
  }
}

class LayerByLayer {
 public:
  LayerByLayer(const RowsView& rows, InputKind kind, const Calibration& calibration)
      : rows_(rows), kind_(kind), calibration_(calibration) {}

  void add(const Linear& linear, const LayerRecipe& recipe) {
    const GroupAxis axis = group_axis(first_ ? 0 : 1, kind_);
    if (recipe.rank == 0) {
      append(encoded(linear.weight, recipe.encoding, axis, linear.bias), linear);
      return;
    }
    const Factors factors = factorize(linear.weight, recipe.rank);
    QuantizedLinear first =
        encoded(factors.first, recipe.encoding, axis, AlignedVector<float>(recipe.rank));
    first.is_factor = true;
    given_ = outputs_of(first, inputs());
    mlp_.layers.push_back(std::move(first));
    quantized_inputs_ = true;
    append(encoded(factors.second, recipe.second, GroupAxis::kInputs, linear.bias), linear);
  }

  QuantizedMlp take() && {
    mlp_.scheme = common_scheme(mlp_.layers);
    return std::move(mlp_);
  }

 private:
  RowsView inputs() const { return quantized_inputs_ ? RowsView(view_of(given_)) : rows_; }

  QuantizedLinear encoded(const Matrix<float>& weight, const Encoding& encoding, GroupAxis axis,
                          AlignedVector<float> bias) const {
    QuantizedLinear layer{encode_for(weight, encoding, axis, inputs(), calibration_.rounding),
                          std::move(bias)};
    if (calibration_.static_inputs && std::holds_alternative<Int8Matrix>(layer.weight))
      layer.input = choose_static_quantization(inputs(), *calibration_.static_inputs);
    return layer;
  }

  // The original goes along: what its layer makes of its own inputs is what is wanted.
  void append(QuantizedLinear layer, const Linear& linear) {
    Matrix<float> given = outputs_of(layer, inputs());
    Mlp alone;
    alone.layers.push_back(linear);
    wanted_ = logits_of(PreparedMlp(std::move(alone)), first_ ? rows_ : RowsView(view_of(wanted_)));
    if (calibration_.corrects_bias) correct_bias(wanted_, given, layer.bias);
    relu(wanted_);
    relu(given);
    given_ = std::move(given);
    mlp_.layers.push_back(std::move(layer));
    quantized_inputs_ = true;
    first_ = false;
  }

  RowsView rows_;
  InputKind kind_;
  Calibration calibration_;
  bool first_ = true;
  bool quantized_inputs_ = false;
  Matrix<float> given_;   // what the quantized layers so far give
  Matrix<float> wanted_;  // and the float ones
  QuantizedMlp mlp_;
};

// The rows of one piece of an epoch.
LabelledRows piece_of(const LabelledRows& rows, std::size_t piece, std::size_t pieces) {
  const std::size_t count = row_count(rows.rows);
  const std::size_t first = piece * count / pieces;
  const std::size_t last = (piece + 1) * count / pieces;
  return {slice(rows.rows, first, last - first), rows.labels.subspan(first, last - first)};
}

// weights += after - before
void add_movement(const Mlp& before, const Mlp& after, Mlp& weights) {
  for (std::size_t l = 0; l < weights.layers.size(); ++l) {
    const auto move = [](const auto& from, const auto& to, auto& values) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += to[i] - from[i];
    };
    move(before.layers[l].weight.values, after.layers[l].weight.values,
         weights.layers[l].weight.values);
    move(before.layers[l].bias, after.layers[l].bias, weights.layers[l].bias);
  }
}

bool has_fixed_input(const QuantizedLinear& layer) { return layer.input.has_value(); }

bool is_better(const Verdict& a, const Verdict& b) {
  return a.accuracy > b.accuracy || (a.accuracy == b.accuracy && a.loss < b.loss);
}

}  // namespace

Rounding rounding_named(std::string_view name) {
  const auto found = std::ranges::find(kRoundings, name);
  if (found == kRoundings.end())
    throw_error("there is no rounding '{}'; expected {}", name, fmt::join(kRoundings, ", "));
  return static_cast<Rounding>(found - kRoundings.begin());
}

std::string_view name_of(Rounding rounding) {
  return kRoundings[static_cast<std::size_t>(rounding)];
}

QuantizedMlp quantize_calibrated(const Mlp& mlp, const Recipe& recipe, InputKind inputs,
                                 const RowsView& training, const Calibration& calibration) {
  // Refuses what cannot be stored.
  static_cast<void>(quantize(mlp, recipe, inputs));
  LayerByLayer layer_by_layer(training, inputs, calibration);
  const auto layers = recipe.layers(mlp.layers.size());
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) layer_by_layer.add(mlp.layers[l], layers[l]);
  QuantizedMlp network = std::move(layer_by_layer).take();
  if (calibration.static_inputs && std::ranges::none_of(network.layers, has_fixed_input))
    throw_error(
        "cannot fix the ranges of inputs: no layer of '{}' is stored as int8, whose kernels take "
        "them; use --scheme int8",
        recipe.text());
  return network;
}

QuantizedMlp quantize_aware(const Mlp& mlp, const Recipe& recipe, InputKind inputs,
                            const HeldOut& rows, const AwareSettings& settings) {
  TrainSettings training;
  training.epochs = 1;
  training.learning_rate = settings.learning_rate;
  training.dropout = {0.0};
  ThreadPool pool(0);
  Mlp weights = mlp;
  QuantizedMlp best = quantize(weights, recipe, inputs);
  Verdict best_verdict = judge(best, rows.validation.labelled());
  QuantizedMlp now = best;
  for (std::size_t round = 0; round < settings.epochs * settings.pieces; ++round) {
    if (settings.should_stop && settings.should_stop()) break;
    training.seed = settings.seed + static_cast<std::uint32_t>(round);
    const Mlp before = dequantize(now);
    const LabelledRows piece =
        piece_of(rows.training.labelled(), round % settings.pieces, settings.pieces);
    const Mlp after = train(before, piece, rows.validation.labelled(), training, pool).best;
    add_movement(before, after, weights);
    now = quantize(weights, recipe, inputs);
    Verdict verdict = judge(now, rows.validation.labelled());
    if (!is_better(verdict, best_verdict)) continue;
    best = now;
    best_verdict = std::move(verdict);
  }
  return best;
}

}  // namespace nibble
