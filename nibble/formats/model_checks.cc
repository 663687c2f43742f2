#include "nibble/formats/model_checks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string_view>

#include "nibble/core/error.h"
#include "nibble/core/utf8.h"
#include "nibble/quant/static_range.h"

namespace nibble {
namespace {

// Largest bit pattern of a finite magnitude, without the sign bit.
constexpr std::int16_t kLargestF16Bits = 0x7BFF;
constexpr std::int16_t kLargestBf16Bits = 0x7F7F;

// The largest of bit patterns without their sign: an infinity or a NaN has one beyond all finite
// numbers. Loops over all weights have no way out and no wider type inside, so that they take 16
// bytes at a time: a file of 5 MB is checked in a quarter of a millisecond.
std::int32_t largest_magnitude(std::span<const float> values) {
  std::int32_t largest = 0;
  for (const float value : values) {
    const std::int32_t bits = std::bit_cast<std::int32_t>(value) & 0x7FFFFFFF;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

std::int16_t largest_magnitude(std::span<const std::uint16_t> codes) {
  std::int16_t largest = 0;
  for (const std::uint16_t code : codes) {
    const auto bits = static_cast<std::int16_t>(code & 0x7FFF);
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

[[noreturn]] void refuse_infinite(std::string_view what, std::size_t layer) {
  throw_error("the {} of layer {} hold a NaN or an infinity; every number must be finite", what,
              layer);
}

void require_finite(std::span<const float> values, std::string_view what, std::size_t layer) {
  constexpr auto kLargest = std::bit_cast<std::int32_t>(std::numeric_limits<float>::max());
  if (largest_magnitude(values) > kLargest) refuse_infinite(what, layer);
}

void require_finite16(std::span<const std::uint16_t> codes, std::int16_t largest,
                      std::string_view what, std::size_t layer) {
  if (largest_magnitude(codes) > largest) refuse_infinite(what, layer);
}

void require_scales(std::span<const float> scales, std::size_t layer) {
  require_finite(scales, "scales", layer);
  if (std::ranges::any_of(scales, [](float scale) { return scale < 0.0F; }))
    throw_error("a scale of layer {} is negative; expected 0 or more", layer);
}

template <typename AnyMatrix>
void require_size(const AnyMatrix& matrix, std::size_t rows, std::size_t columns,
                  std::string_view what, std::size_t layer) {
  if (matrix.rows == rows && matrix.columns == columns && matrix.values.size() == rows * columns)
    return;
  throw_error("the {} of layer {} are {} x {}; expected {} x {}", what, layer, matrix.rows,
              matrix.columns, rows, columns);
}

void check(const F32Matrix& weight, std::size_t layer) {
  require_size(weight, weight.rows, weight.columns, "weights", layer);
  require_finite(weight.values, "weights", layer);
}

void check(const F16Matrix& weight, std::size_t layer) {
  require_finite16(weight.codes.values, kLargestF16Bits, "weights", layer);
}

void check(const Bf16Matrix& weight, std::size_t layer) {
  require_finite16(weight.codes.values, kLargestBf16Bits, "weights", layer);
}

void check(const Int8Matrix& weight, std::size_t layer) {
  if (weight.scales.size() != weight.codes.columns)
    throw_error("layer {} has {} scales for {} outputs", layer, weight.scales.size(),
                weight.codes.columns);
  require_scales(weight.scales, layer);
}

void check(const Int8TorchMatrix& weight, std::size_t layer) {
  require_scales(std::span(&weight.scale, 1), layer);
}

// Scales of int4 may be negative (quant/int4.h).
void check(const Int4Matrix& weight, std::size_t layer) {
  const std::size_t inputs = weight.codes.rows;
  const auto groups = [](std::size_t size) { return (size + kInt4Group - 1) / kInt4Group; };
  require_size(weight.codes, inputs, (weight.outputs + 1) / 2, "codes", layer);
  if (weight.axis == GroupAxis::kOutputs) {
    require_size(weight.scales, inputs, groups(weight.outputs), "scales", layer);
  } else {
    require_size(weight.scales, groups(inputs), weight.outputs, "scales", layer);
  }
  require_finite16(weight.scales.values, kLargestF16Bits, "scales", layer);
  if (weight.outputs % 2 == 0) return;
  for (std::size_t i = 0; i < inputs; ++i) {
    if (weight.codes.row(i).back() >> 4 != 8)
      throw_error("layer {} has a code where no output is; expected the filler 8", layer);
  }
}

void check(const GroupedMatrix& weight, std::size_t layer) { require_sound(weight, layer); }
void check(const PqMatrix& weight, std::size_t layer) { require_sound(weight, layer); }

void check(const EncodedMatrix& weight, std::size_t layer) {
  std::visit([layer](const auto& matrix) { check(matrix, layer); }, weight);
}

// Fixed ranges of inputs.
void check_input(const Linear& /*layer*/, std::size_t /*number*/) {}
void check_input(const QuantizedLinear& layer, std::size_t number) {
  if (!layer.input) return;
  if (!std::holds_alternative<Int8Matrix>(layer.weight))
    throw_error("layer {} has a fixed range of inputs, but its weights are {}; expected int8",
                number, encoding_name(layer.weight));
  if (!is_static_quantization(*layer.input))
    throw_error("layer {} has inputs rounded by scale {} and zero point {}, which no range gives",
                number, layer.input->scale, layer.input->zero_point);
}

struct LayerSize {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
};

LayerSize size_of(const Linear& layer) { return {layer.inputs(), layer.outputs()}; }

LayerSize size_of(const QuantizedLinear& layer) {
  return {input_count(layer.weight), output_count(layer.weight)};
}

template <typename Layer>
void check_layers(const std::vector<Layer>& layers) {
  if (layers.empty()) throw_error("the model has no layers; expected at least one");
  std::size_t before = size_of(layers.front()).inputs;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const LayerSize size = size_of(layers[l]);
    if (size.inputs == 0 || size.outputs == 0)
      throw_error("layer {} is {} x {}; expected sizes of 1 or more", l, size.inputs, size.outputs);
    if (size.inputs != before)
      throw_error("layer {} takes {} inputs but the layer before it gives {}", l, size.inputs,
                  before);
    if (layers[l].bias.size() != size.outputs)
      throw_error("layer {} has {} biases for {} outputs", l, layers[l].bias.size(), size.outputs);
    check(layers[l].weight, l);
    check_input(layers[l], l);
    require_finite(layers[l].bias, "biases", l);
    before = size.outputs;
  }
}

void check_text(std::string_view text, std::string_view what) {
  if (find_invalid_utf8(text)) throw_error("a {} of the model is not valid UTF-8", what);
}

void check_labels(const LabelNames& labels, std::size_t outputs) {
  if (labels.size() != outputs)
    throw_error("the model names {} labels but its network has {} outputs", labels.size(), outputs);
  std::set<std::string_view> seen;
  for (const std::string& label : labels) {
    check_text(label, "label");
    if (!seen.insert(label).second) throw_error("the model has the label '{}' twice", label);
  }
}

void check_featurizer(const Featurizer& featurizer, std::size_t inputs) {
  if (column_count(featurizer) != inputs) {
    throw_error("the model makes {} features but its network takes {} inputs",
                column_count(featurizer), inputs);
  }
  if (const auto* bag = std::get_if<BagOfWords>(&featurizer)) {
    // All at once: a line feed between two words ends a character, so that none hides in a seam.
    check_text(bag->vocabulary.text(), "word");
  } else if (const float scale = std::get<Numeric>(featurizer).scale;
             !std::isfinite(scale) || scale == 0.0F) {
    throw_error("the model multiplies its inputs with {}; expected a number other than 0", scale);
  }
}

}  // namespace

void require_sound(const Model& model) {
  std::visit([](const auto& stage) { check_layers(stage.layers); }, model.network);
  if (const auto* quantized = std::get_if<QuantizedMlp>(&model.network)) {
    for (const QuantizedLinear& layer : quantized->layers) require_integer_inputs(layer.weight);
  }
  const MlpShape shape = model.shape();
  check_labels(model.labels, shape.outputs);
  check_featurizer(model.featurizer, shape.inputs);
  for (const auto& [name, text] : model.provenance.settings) {
    check_text(name, "setting's name");
    check_text(text, "setting");
  }
}

}  // namespace nibble
