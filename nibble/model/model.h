// Model: everything one model file holds. Raw input goes in, label names come out; nothing else is
// needed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/data/rows.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"
#include "nibble/text/vocabulary.h"

namespace nibble {

// Text to counts of words.
struct BagOfWords {
  Vocabulary vocabulary;
  bool stored_compressed = false;  // in nibble's own file: formats/word_coding.h
};

// Numbers as they come, each multiplied by `scale` (1/255 for bytes of an image).
struct Numeric {
  std::size_t columns = 0;
  float scale = 1.0F;
};

using Featurizer = std::variant<BagOfWords, Numeric>;

// The list of words that it keeps; null if it hashes them, or takes numbers.
const Vocabulary* word_list(const Featurizer& featurizer);
bool hashes_words(const Featurizer& featurizer);

std::size_t column_count(const Featurizer& featurizer);
InputKind input_kind(const Featurizer& featurizer);
// An Error if texts meet a numeric featurizer, numbers meet a bag of words, or the number of
// columns differs.
Rows featurize(const Featurizer& featurizer, const std::variant<Texts, DenseRows>& inputs);

// How the model was made: settings by name, as text ("epochs" -> "10"), the best epoch and its
// validation figures.
struct Provenance {
  std::map<std::string, std::string> settings;
  std::size_t epoch = 0;             // 1-based; 0 means untrained or unknown
  double validation_accuracy = 0.0;  // per cent
  double validation_loss = 0.0;
};

struct Model {
  Featurizer featurizer;
  LabelNames labels;
  std::variant<Mlp, QuantizedMlp> network;
  Provenance provenance;

  MlpShape shape() const;
  Scheme scheme() const;  // kF32 for an Mlp
};

// With weights of f16 or bf16 as the float32 numbers that they are: nothing changes but the memory
// they take, twice as much. Any other model stays as it is.
Model with_wide_weights(Model model);

// The same model with its float network quantized. An Error if it is quantized already. A recipe
// that is more than one scheme is kept among the settings, as "recipe".
Model quantized_model(const Model& model, const Recipe& recipe);
// With `network`, which was made of the model's by the recipe in a way of its own.
Model quantized_model(const Model& model, const Recipe& recipe, QuantizedMlp network);
// The float network to quantize by the recipe; an Error if the model is quantized already.
const Mlp& network_to_quantize(const Model& model, const Recipe& recipe);

}  // namespace nibble
