#include "nibble/model/model.h"

#include <type_traits>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/network/reference_forward.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {
namespace {

Rows scaled(const Numeric& numeric, const DenseRows& numbers) {
  require_columns(numbers.columns, numeric.columns);
  DenseRows result = numbers;
  for (float& value : result.values) value *= numeric.scale;
  return result;
}

}  // namespace

const Vocabulary* word_list(const Featurizer& featurizer) {
  const auto* bag = std::get_if<BagOfWords>(&featurizer);
  return bag == nullptr || bag->vocabulary.is_hashed() ? nullptr : &bag->vocabulary;
}

bool hashes_words(const Featurizer& featurizer) {
  const auto* bag = std::get_if<BagOfWords>(&featurizer);
  return bag != nullptr && bag->vocabulary.is_hashed();
}

std::size_t column_count(const Featurizer& featurizer) {
  if (const auto* words = std::get_if<BagOfWords>(&featurizer)) return words->vocabulary.size();
  return std::get<Numeric>(featurizer).columns;
}

InputKind input_kind(const Featurizer& featurizer) {
  return std::holds_alternative<BagOfWords>(featurizer) ? InputKind::kSparse : InputKind::kDense;
}

Rows featurize(const Featurizer& featurizer, const std::variant<Texts, DenseRows>& inputs) {
  const auto* words = std::get_if<BagOfWords>(&featurizer);
  const auto* texts = std::get_if<Texts>(&inputs);
  if (words != nullptr && texts != nullptr) return bag_of_words(*texts, words->vocabulary);
  if (words != nullptr)
    throw_error("this model reads texts but got rows of numbers; give it one text per row");
  if (texts != nullptr) {
    throw_error("this model reads rows of {} numbers but got texts; give it numbers",
                column_count(featurizer));
  }
  return scaled(std::get<Numeric>(featurizer), std::get<DenseRows>(inputs));
}

MlpShape Model::shape() const {
  return std::visit([](const auto& stage) { return stage.shape(); }, network);
}

Scheme Model::scheme() const {
  const auto* quantized = std::get_if<QuantizedMlp>(&network);
  return quantized == nullptr ? Scheme::kF32 : quantized->scheme;
}

Model with_wide_weights(Model model) {
  const Scheme scheme = model.scheme();
  if (scheme != Scheme::kF16 && scheme != Scheme::kBf16) return model;
  Mlp mlp = dequantize(std::get<QuantizedMlp>(model.network));
  model.network = std::move(mlp);
  return model;
}

const Mlp& network_to_quantize(const Model& model, const Recipe& recipe) {
  const auto* mlp = std::get_if<Mlp>(&model.network);
  if (mlp == nullptr) {
    throw_error(
        "cannot quantize to {}: the model is quantized already, as {}; start from the float model",
        recipe.text(), name_of(model.scheme()));
  }
  return *mlp;
}

Model quantized_model(const Model& model, const Recipe& recipe) {
  const Mlp& mlp = network_to_quantize(model, recipe);
  return quantized_model(model, recipe, quantize(mlp, recipe, input_kind(model.featurizer)));
}

Model quantized_model(const Model& model, const Recipe& recipe, QuantizedMlp network) {
  Model result{model.featurizer, model.labels, std::move(network), model.provenance};
  if (result.scheme() == Scheme::kMixed) result.provenance.settings["recipe"] = recipe.text();
  return result;
}

}  // namespace nibble
