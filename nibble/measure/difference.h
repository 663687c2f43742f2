// How two models differ: in their weights, and in what they answer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "nibble/core/threads.h"
#include "nibble/data/examples.h"
#include "nibble/model/model.h"

namespace nibble {

// Of one layer that has the same shape in both models. Weights are the numbers that codes stand
// for.
struct LayerDifference {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  double weight = 0.0;  // the largest difference of two weights
  std::size_t input = 0;
  std::size_t output = 0;  // and where it is
  double largest_weight =
      0.0;            // of the first model, in magnitude: what the difference stands beside
  double bias = 0.0;  // the largest difference of two biases
};

struct ModelDifference {
  // What is different, each a line: "scheme: f32, int8".
  std::vector<std::string> facts;
  // Empty when the networks have different shapes.
  std::vector<LayerDifference> layers;
  bool same_shape() const { return !layers.empty(); }
};

ModelDifference difference(const Model& a, const Model& b);

struct AnswerDifference {
  std::size_t rows = 0;
  std::size_t same_labels = 0;
  double logit = 0.0;   // the largest difference of two logits of one label
  std::size_t row = 0;  // and where, from 0
};

// Both answer the same rows, each with its own featurizer. Labels go together by their names.
// Nothing if the models have different labels. An Error if the rows are of the wrong kind for a
// model.
std::optional<AnswerDifference> answer_difference(const Model& a, const Model& b,
                                                  const Examples& rows, ThreadPool* pool);

}  // namespace nibble
