// The operators behind the last layer, and those that make counts of words before the first.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/onnx_chain.h"

namespace nibble {
namespace {

// One output z whose Sigmoid is the probability of the second label has the probabilities of the
// two logits 0 and z.
QuantizedLinear with_zero_first(const QuantizedLinear& layer) {
  const Matrix<float> one = decode(layer.weight);
  Matrix<float> two(one.rows, 2);
  for (std::size_t i = 0; i < one.rows; ++i) two.at(i, 1) = one.at(i, 0);
  return {std::move(two), {0.0F, layer.bias.front()}};
}

}  // namespace

void OnnxChain::probabilities(const OnnxNode& node) {
  const Value& rows = input(node, 0);
  require_newest(node, rows);
  const std::int64_t axis = node.integer("axis", -1);
  if (rows.kind != Kind::kRows || network_.layers.empty() || (axis != -1 && axis != 1))
    refuse(node, "does not stand behind the last layer, over the outputs");
  set(node, 0, {Kind::kProbabilities, stage_, {}});
}

void OnnxChain::sigmoid(const OnnxNode& node) {
  const Value& rows = input(node, 0);
  require_newest(node, rows);
  if (rows.kind != Kind::kRows || network_.layers.empty() ||
      network_.layers.back().bias.size() != 1)
    refuse(node, "stands between layers or over several outputs; expected Relu there");
  network_.layers.back() = with_zero_first(network_.layers.back());
  one_probability_ = true;
  set(node, 0, {Kind::kProbabilities, stage_, {}});
}

void OnnxChain::subtract(const OnnxNode& node) {
  const std::optional<float> one = weights_.single(constant_input(node, 0));
  if (!one_probability_ || one != 1.0F || input(node, 1).kind != Kind::kProbabilities)
    refuse(node, "subtracts something other than the only probability from 1");
  set(node, 0, {Kind::kComplement, stage_, {}});
}

void OnnxChain::concatenate(const OnnxNode& node) {
  if (node.inputs.size() != 2 || input(node, 0).kind != Kind::kComplement ||
      input(node, 1).kind != Kind::kProbabilities)
    refuse(node, "joins something other than 1 - p and p");
  set(node, 0, {Kind::kProbabilities, stage_, {}});
}

void OnnxChain::arg_max(const OnnxNode& node) {
  const Value& value = input(node, 0);
  require_newest(node, value);
  const bool of_outputs = value.kind == Kind::kRows || value.kind == Kind::kProbabilities;
  const std::int64_t axis = node.integer("axis", 0);
  if (!of_outputs || network_.layers.empty() || (axis != 1 && axis != -1) ||
      node.integer("select_last_index", 0) != 0)
    refuse(node, "does not take the first largest of each row's outputs");
  set(node, 0, {Kind::kLabel, stage_, {}});
}

void OnnxChain::set_labels(const OnnxNode& node, const OnnxTensor& tensor) {
  if (tensor.type == onnx::Type::kText) {
    const auto texts = texts_of(tensor);
    network_.labels.assign(texts.begin(), texts.end());
    return;
  }
  if (tensor.type != onnx::Type::kInt64 && tensor.type != onnx::Type::kInt32)
    refuse(node, "names labels that are neither text nor whole numbers");
  network_.labels.clear();
  for (const std::int64_t label : integers_of(tensor))
    network_.labels.push_back(fmt::format("{}", label));
}

// The array of names is the first input, the index the second.
void OnnxChain::name_labels(const OnnxNode& node) {
  if (input(node, 1).kind != Kind::kLabel)
    refuse(node, "picks something other than a label's name");
  set_labels(node, *constant_input(node, 0).tensor);
  set(node, 0, {Kind::kLabel, stage_, {}});
}

void OnnxChain::zip_map(const OnnxNode& node) {
  if (input(node, 0).kind != Kind::kProbabilities) refuse(node, "does not take the probabilities");
  const std::vector<std::string_view> texts = node.texts("classlabels_strings");
  network_.labels.assign(texts.begin(), texts.end());
  if (texts.empty()) {
    for (const std::int64_t label : node.integers("classlabels_int64s"))
      network_.labels.push_back(fmt::format("{}", label));
  }
  set(node, 0, {Kind::kProbabilities, stage_, {}});
}

// Only in front of networks that nibble wrote, whose metadata say what these operators do.
void OnnxChain::text_step(const OnnxNode& node) {
  if (input(node, 0).kind != Kind::kText)
    refuse(
        node,
        "reads text; nibble reads the network behind it only from files that nibble wrote itself");
  const bool counts = node.kind == "TfIdfVectorizer";
  set(node, 0, {counts ? Kind::kRows : Kind::kText, 0, {}});
}

}  // namespace nibble
