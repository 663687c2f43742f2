#include "nibble/measure/difference.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/infer/predictor.h"

namespace nibble {
namespace {

std::size_t layer_count(const Model& model) {
  return std::visit([](const auto& stage) { return stage.layers.size(); }, model.network);
}

// One layer as floats.
Linear layer_of(const Model& model, std::size_t layer) {
  if (const auto* mlp = std::get_if<Mlp>(&model.network)) return mlp->layers[layer];
  const QuantizedLinear& stored = std::get<QuantizedMlp>(model.network).layers[layer];
  Linear linear;
  linear.weight = decode(stored.weight);
  linear.bias = stored.bias;
  return linear;
}

LayerDifference layer_difference(const Linear& a, const Linear& b) {
  LayerDifference result;
  result.inputs = a.inputs();
  result.outputs = a.outputs();
  for (std::size_t at = 0; at < a.weight.values.size(); ++at) {
    const double first = a.weight.values[at];
    result.largest_weight = std::max(result.largest_weight, std::fabs(first));
    const double gap = std::fabs(first - b.weight.values[at]);
    if (gap <= result.weight) continue;
    result.weight = gap;
    result.input = at / a.outputs();
    result.output = at % a.outputs();
  }
  for (std::size_t o = 0; o < a.bias.size(); ++o)
    result.bias = std::max(result.bias, std::fabs(double{a.bias[o]} - b.bias[o]));
  return result;
}

std::string kind_of_input(const Model& model) {
  if (hashes_words(model.featurizer)) return "text, its words hashed";
  if (word_list(model.featurizer) != nullptr) return "text";
  return fmt::format("numbers times {}", std::get<Numeric>(model.featurizer).scale);
}

// "120 only in the first, 0 only in the second", or nothing.
std::string differing_words(const Model& a, const Model& b) {
  const Vocabulary* first = word_list(a.featurizer);
  const Vocabulary* second = word_list(b.featurizer);
  if (first == nullptr || second == nullptr || first->text() == second->text()) return "";
  const auto lacking = [](const Vocabulary& words, const Vocabulary& other) {
    std::size_t count = 0;
    for (std::size_t column = 0; column < words.size(); ++column)
      count += other.column(words.word(column)) ? 0 : 1;
    return count;
  };
  return fmt::format("{} only in the first, {} only in the second", lacking(*first, *second),
                     lacking(*second, *first));
}

template <typename T>
void add_fact(std::vector<std::string>& facts, std::string_view name, const T& a, const T& b) {
  if (a != b) facts.push_back(fmt::format("{}: {}, {}", name, a, b));
}

// For each label of a its place in b; nothing if they are not the same labels.
std::optional<std::vector<std::size_t>> places_in(const LabelNames& a, const LabelNames& b) {
  if (a.size() != b.size()) return std::nullopt;
  std::vector<std::size_t> places;
  for (const std::string& label : a) {
    const auto found = std::ranges::find(b, label);
    if (found == b.end()) return std::nullopt;
    places.push_back(static_cast<std::size_t>(found - b.begin()));
  }
  return places;
}

Matrix<float> logits_of(const Model& model, const Examples& rows, ThreadPool* pool) {
  const Rows features = featurize(model.featurizer, rows.inputs);
  return Predictor(model).logits(view_of(features), pool);
}

}  // namespace

ModelDifference difference(const Model& a, const Model& b) {
  ModelDifference result;
  const auto sizes = [](const Model& model) {
    return fmt::format("{}", fmt::join(model.shape().sizes(), "-"));
  };
  const auto labels = [](const Model& model) {
    return fmt::format("[{}]", fmt::join(model.labels, ", "));
  };
  add_fact(result.facts, "Sizes", sizes(a), sizes(b));
  add_fact(result.facts, "Scheme", name_of(a.scheme()), name_of(b.scheme()));
  add_fact(result.facts, "Labels", labels(a), labels(b));
  add_fact(result.facts, "Input", kind_of_input(a), kind_of_input(b));
  if (const std::string words = differing_words(a, b); !words.empty())
    result.facts.push_back("Words: " + words);
  if (a.shape() != b.shape()) return result;
  for (std::size_t l = 0; l < layer_count(a); ++l)
    result.layers.push_back(layer_difference(layer_of(a, l), layer_of(b, l)));
  return result;
}

std::optional<AnswerDifference> answer_difference(const Model& a, const Model& b,
                                                  const Examples& rows, ThreadPool* pool) {
  const auto places = places_in(a.labels, b.labels);
  if (!places) return std::nullopt;
  const Matrix<float> first = logits_of(a, rows, pool);
  const Matrix<float> second = logits_of(b, rows, pool);
  AnswerDifference result;
  result.rows = first.rows;
  for (std::size_t row = 0; row < first.rows; ++row) {
    const auto theirs = static_cast<std::size_t>(argmax(second.row(row)));
    result.same_labels += (*places)[static_cast<std::size_t>(argmax(first.row(row)))] == theirs;
    for (std::size_t label = 0; label < places->size(); ++label) {
      const double gap = std::fabs(double{first.at(row, label)} - second.at(row, (*places)[label]));
      if (gap <= result.logit) continue;
      result.logit = gap;
      result.row = row;
    }
  }
  return result;
}

}  // namespace nibble
