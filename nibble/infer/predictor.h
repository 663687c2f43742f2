// Predictor: a Model ready to answer. Raw input in, label out. Const and shared by any number of
// threads.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/core/threads.h"
#include "nibble/infer/prepared_mlp.h"
#include "nibble/model/model.h"

namespace nibble {

struct Prediction {
  Label label = 0;            // index into labels(); the lower index wins a tie, as argmax does
  float probability = 0.0F;   // softmax of the winning logit
  std::vector<float> logits;  // one for each label
};

class Predictor {
 public:
  explicit Predictor(Model model);

  const LabelNames& labels() const { return labels_; }
  const Featurizer& featurizer() const { return featurizer_; }
  const PreparedMlp& network() const { return network_; }

  Prediction predict(std::string_view text,
                     PreparedMlp::Scratch& scratch) const;  // bag-of-words models
  Prediction predict(std::span<const float> row,
                     PreparedMlp::Scratch& scratch) const;  // numeric models

  // [rows][labels]. Rows are cut into blocks that do not depend on the pool; pool may be null.
  Matrix<float> logits(const RowsView& rows, ThreadPool* pool) const;
  // The same for bag-of-words models and raw texts; each thread counts the words of its own.
  Matrix<float> logits(std::span<const std::string> texts, ThreadPool* pool) const;

 private:
  template <typename Answer>
  Matrix<float> in_pieces(std::size_t rows, ThreadPool* pool, const Answer& answer) const;
  const BagOfWords& bag_of_words() const;

  Featurizer featurizer_;
  LabelNames labels_;
  PreparedMlp network_;
  bool whole_call_is_one_batch_ = false;  // int8-torch: cutting the rows would change the answer
};

// Index of the largest value; the first one wins a tie.
Label argmax(std::span<const float> logits);
// softmax(logits)[label], computed in double.
float probability_of(std::span<const float> logits, Label label);

}  // namespace nibble
