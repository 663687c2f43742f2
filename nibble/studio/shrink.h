// The smallest file of a model that still answers well enough, found by trying.
//
// Three families are tried, the promising first:
//   uniform  one encoding for all layers: int8 down to 1 bit, the words stored compressed;
//   scalar   the first layer as rank 1, its word scores in 8 down to 2 bits, words whose score
//            becomes 0 left out (which changes no answer), further words left out by the size of
//            their score, and all other layers as a dozen straight pieces (scalar_network.h);
//   mixed    an encoding for each layer and a share of the words: from int8 everywhere down, step
//            by step where a step saves most bytes for the loss it costs (each layer's cost is
//            measured once with only that layer quantized; costs are taken to add up).
// Neurons that never fire are taken out first. Every candidate is judged on the validation rows of
// the model's own training, never on test rows, and against the model as it came.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/model/model.h"
#include "nibble/studio/held_out.h"

namespace nibble {

struct ShrinkLimits {
  double max_drop = 0.5;      // points of validation accuracy below the original's
  std::size_t max_bytes = 0;  // of the whole file; 0: no limit
  double max_us = 0.0;        // for one row; 0: no limit
  double minutes = 2.0;
  // Of a model of texts: no list of words but so many buckets that they are hashed into
  // (hashed_words.h); 0: the words stay.
  std::size_t hash_vocabulary = 0;
};

struct ShrinkCandidate {
  std::string recipe;
  std::size_t bytes = 0;       // the whole file
  std::size_t parameters = 0;  // bytes of weights, scales and biases in it
  double accuracy = 0.0;       // validation, per cent
  double loss = 0.0;
  double microseconds = 0.0;  // one row, features in to logits out; 0: not measured
  bool on_front = false;      // none that was tried is both smaller and at least as accurate
};

struct ShrinkResult {
  double original_accuracy = 0.0;
  std::vector<ShrinkCandidate> tried;
  // Of `tried`: with max_bytes the most accurate that fits, else the smallest, of those within all
  // limits.
  std::optional<std::size_t> best;
  std::optional<Model> model;  // the best's
  bool interrupted = false;    // should_stop said so
};

struct ShrinkHooks {
  std::function<void(std::string_view sentence)> on_phase;
  std::function<void(const Model&, const ShrinkCandidate&)> on_better;
  std::function<bool()> should_stop;
};

// An Error if the model is quantized already, or if words are to be hashed and there are none.
ShrinkResult shrink(const Model& model, const HeldOut& rows, const ShrinkLimits& limits,
                    const ShrinkHooks& hooks = {});

}  // namespace nibble
