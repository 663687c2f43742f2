// Quantization that looks at data: rounding and biases layer by layer, and training through the
// rounding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "nibble/model/model.h"
#include "nibble/quant/recipe.h"
#include "nibble/quant/static_range.h"
#include "nibble/studio/held_out.h"
#include "nibble/train/settings.h"

namespace nibble {

// How the codes of grouped encodings are chosen; other encodings are always rounded to the nearest.
enum class Rounding : std::uint8_t {
  kNearest,
  // Scales with the least squared error when an input's counts (mean of x^2)^a times; of a = 0,
  // 1/4, .., 1 the one that leaves the least error in the layer's outputs (AWQ's search, Lin 2023,
  // 2306.00978, which scales the inputs instead).
  kImportance,
  kSecondOrder,  // second_order.h
};
// An Error that lists the names: nearest, importance, second-order.
Rounding rounding_named(std::string_view name);
std::string_view name_of(Rounding rounding);

struct Calibration {
  Rounding rounding = Rounding::kNearest;
  // Moves each bias so that the outputs' mean over the rows is what it was (Nagel 2019,
  // 1906.04721), times the gain that rounding left to the output: 1 bit gives some outputs half of
  // their variation, and the whole mean would then shift where they cross 0.
  bool corrects_bias = false;
  // Of the layers stored as int8: one scale for all rows, found by this rule from the training
  // rows, in place of one for each row. An Error if the recipe has no such layer.
  std::optional<RangeRule> static_inputs = std::nullopt;
};

// As quantize(), layer by layer: each is calibrated with what the layers before it, quantized, make
// of the training rows.
QuantizedMlp quantize_calibrated(const Mlp& mlp, const Recipe& recipe, InputKind inputs,
                                 const RowsView& training, const Calibration& calibration);

// Quantization-aware training, in rounds: the network is quantized, the decoded weights are trained
// for a piece of an epoch, and what they moved by is added to the float weights (the
// straight-through estimate, Bengio 2013, a piece at a time). The best by validation of all rounds'
// quantized networks is returned; the untrained one takes part.
struct AwareSettings {
  std::size_t epochs = 3;
  std::size_t pieces = 4;  // of an epoch
  double learning_rate = 1e-4;
  std::uint32_t seed = 0;
  std::function<bool()> should_stop;
};
QuantizedMlp quantize_aware(const Mlp& mlp, const Recipe& recipe, InputKind inputs,
                            const HeldOut& rows, const AwareSettings& settings);

}  // namespace nibble
