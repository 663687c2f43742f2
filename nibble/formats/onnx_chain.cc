// The chain itself, and the operators that leave values as they are or make constants.
#include "nibble/formats/onnx_chain.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

using onnx::Type;

constexpr std::string_view kMicrosoft = "com.microsoft";
constexpr std::string_view kMl = "ai.onnx.ml";

// The one input of the network: an array of rows.
const OnnxValue& only_input(const OnnxFile& file) {
  if (file.inputs.size() == 1) return file.inputs.front();
  std::vector<std::string_view> names;
  for (const OnnxValue& input : file.inputs) names.push_back(input.name.substr(0, 100));
  if (names.size() > 5) names.resize(5);
  throw_error("the ONNX graph takes {} inputs ({}); expected one, the rows", file.inputs.size(),
              fmt::join(names, ", "));
}

}  // namespace

OnnxNetwork read_onnx_network(const OnnxFile& file, const OnnxReading& reading) {
  OnnxChain chain(file, reading);
  for_each_node(file, [&chain](const OnnxNode& node) { chain.visit(node); });
  return chain.finish();
}

std::span<const OnnxChain::Operator> OnnxChain::operators() {
  static const std::array known = {
      Operator{"", "Constant", &OnnxChain::constant},
      Operator{"", "DequantizeLinear", &OnnxChain::dequantize},
      Operator{kMicrosoft, "DequantizeLinear", &OnnxChain::dequantize},
      Operator{"", "Transpose", &OnnxChain::transpose},
      Operator{"", "Gemm", &OnnxChain::gemm},
      Operator{kMicrosoft, "FusedGemm", &OnnxChain::fused_gemm},
      Operator{"", "MatMul", &OnnxChain::matmul},
      Operator{"", "Add", &OnnxChain::add},
      Operator{"", "Mul", &OnnxChain::multiply},
      Operator{"", "Div", &OnnxChain::divide},
      Operator{"", "Relu", &OnnxChain::relu},
      Operator{"", "Clip", &OnnxChain::clip},
      Operator{"", "DynamicQuantizeLinear", &OnnxChain::quantize_rows},
      Operator{"", "MatMulInteger", &OnnxChain::matmul_integer},
      Operator{kMicrosoft, "DynamicQuantizeMatMul", &OnnxChain::matmul_dynamic},
      Operator{kMicrosoft, "MatMulIntegerToFloat", &OnnxChain::matmul_to_float},
      Operator{kMicrosoft, "MatMulNBits", &OnnxChain::matmul_bits},
      Operator{"", "Cast", &OnnxChain::cast},
      Operator{"", "Identity", &OnnxChain::same},
      Operator{"", "Dropout", &OnnxChain::same},
      Operator{"", "Flatten", &OnnxChain::reshape},
      Operator{"", "Reshape", &OnnxChain::reshape},
      Operator{"", "Softmax", &OnnxChain::probabilities},
      Operator{"", "LogSoftmax", &OnnxChain::probabilities},
      Operator{"", "Sigmoid", &OnnxChain::sigmoid},
      Operator{"", "Sub", &OnnxChain::subtract},
      Operator{"", "Concat", &OnnxChain::concatenate},
      Operator{"", "ArgMax", &OnnxChain::arg_max},
      Operator{"", "Gather", &OnnxChain::name_labels},
      Operator{kMl, "ArrayFeatureExtractor", &OnnxChain::name_labels},
      Operator{kMl, "ZipMap", &OnnxChain::zip_map},
      Operator{"", "StringNormalizer", &OnnxChain::text_step},
      Operator{kMicrosoft, "Tokenizer", &OnnxChain::text_step},
      Operator{"", "TfIdfVectorizer", &OnnxChain::text_step}};
  return known;
}

OnnxChain::OnnxChain(const OnnxFile& file, const OnnxReading& reading)
    : file_(file), reading_(reading), weights_(reading.owner) {
  for (const auto& [name, tensor] : file.constants) {
    OnnxConstant constant;
    constant.tensor = &tensor;
    values_[name] = {Kind::kConstant, 0, constant};
  }
  values_[only_input(file).name] = {reading.text_front ? Kind::kText : Kind::kRows, 0, {}};
}

void OnnxChain::visit(const OnnxNode& node) {
  const auto known = operators();
  const auto found = std::ranges::find_if(
      known, [&](const Operator& each) { return node.is(each.domain, each.kind); });
  if (found == known.end())
    throw_error(
        "the ONNX graph has the {}, which no network of nibble's kind has (Linear layers with ReLU "
        "between them)",
        node.description());
  if (node.outputs.empty()) refuse(node, "has no output");
  (this->*found->step)(node);
}

OnnxNetwork OnnxChain::finish() {
  if (network_.layers.empty()) throw_error("the ONNX graph holds no layer (no Gemm or MatMul)");
  if (pending_)
    throw_error("the ONNX graph ends with integer sums that no scale turns into numbers");
  if (has_relu_)
    throw_error(
        "the ONNX graph ends with a Relu; a network of nibble's gives its last layer's sums");
  const bool reaches_end = std::ranges::any_of(file_.outputs, [this](const OnnxValue& output) {
    const auto found = values_.find(output.name);
    if (found == values_.end()) return false;
    const Kind kind = found->second.kind;
    return kind == Kind::kProbabilities || kind == Kind::kLabel ||
           (kind == Kind::kRows && found->second.stage == stage_);
  });
  if (!reaches_end) throw_error("no output of the ONNX graph is what its last layer gives");
  return std::move(network_);
}

const OnnxChain::Value& OnnxChain::input(const OnnxNode& node, std::size_t index) const {
  if (!has_input(node, index)) refuse(node, fmt::format("has no input {}", index));
  const auto found = values_.find(node.inputs[index]);
  if (found == values_.end())
    refuse(node, fmt::format("takes '{}', which nothing before it gives",
                             node.inputs[index].substr(0, 100)));
  return found->second;
}

bool OnnxChain::has_input(const OnnxNode& node, std::size_t index) const {
  return index < node.inputs.size() && !node.inputs[index].empty();
}

OnnxConstant OnnxChain::constant_input(const OnnxNode& node, std::size_t index) const {
  const Value& value = input(node, index);
  if (value.kind != Kind::kConstant)
    refuse(node, fmt::format("computes its input {}; expected a stored tensor there", index));
  return value.constant;
}

std::optional<OnnxConstant> OnnxChain::optional_constant(const OnnxNode& node,
                                                         std::size_t index) const {
  if (!has_input(node, index)) return std::nullopt;
  return constant_input(node, index);
}

void OnnxChain::require_newest(const OnnxNode& node, const Value& value) const {
  if (value.stage != stage_)
    refuse(node,
           "takes a value that another layer has taken already: the graph is no chain of layers");
}

void OnnxChain::refuse(const OnnxNode& node, std::string_view why) const {
  throw_error("the ONNX graph's {} {}", node.description(), why);
}

void OnnxChain::set(const OnnxNode& node, std::size_t output, Value value) {
  if (output >= node.outputs.size() || node.outputs[output].empty()) return;
  values_[node.outputs[output]] = value;
}

void OnnxChain::set_rows(const OnnxNode& node) {
  ++stage_;
  set(node, 0, {Kind::kRows, stage_, {}});
}

void OnnxChain::constant(const OnnxNode& node) {
  std::optional<OnnxTensor> tensor = node.tensor("value");
  if (!tensor) refuse(node, "holds no tensor");
  OnnxConstant constant;
  constant.tensor = &node_tensors_.emplace_back(*std::move(tensor));
  set(node, 0, {Kind::kConstant, 0, constant});
}

void OnnxChain::dequantize(const OnnxNode& node) {
  OnnxConstant codes = constant_input(node, 0);
  const OnnxConstant scales = constant_input(node, 1);
  const std::optional<OnnxConstant> zeros = optional_constant(node, 2);
  if (codes.turned || codes.scales != nullptr) refuse(node, "takes no stored codes");
  codes.scales = scales.tensor;
  codes.zeros = zeros ? zeros->tensor : nullptr;
  codes.axis = node.integer("axis", 1);
  codes.block = node.integer("block_size", 0);
  set(node, 0, {Kind::kConstant, 0, codes});
}

void OnnxChain::transpose(const OnnxNode& node) {
  OnnxConstant constant = constant_input(node, 0);
  const std::vector<std::int64_t> order = node.integers("perm");
  if (constant.tensor->shape.size() != 2 ||
      (!order.empty() && order != std::vector<std::int64_t>{1, 0}))
    refuse(node, "does not turn a stored matrix");
  constant.turned = !constant.turned;
  set(node, 0, {Kind::kConstant, 0, constant});
}

void OnnxChain::cast(const OnnxNode& node) {
  const Value value = input(node, 0);
  const auto to = static_cast<Type>(node.integer("to", 0));
  const bool to_float = to == Type::kFloat || to == Type::kDouble || to == Type::kFloat16;
  switch (value.kind) {
    case Kind::kConstant:
      if (to != Type::kFloat && to != Type::kDouble) refuse(node, "narrows a stored tensor");
      break;
    case Kind::kCounts:
      if (to != Type::kUint8) refuse(node, "makes no uint8 of counts");
      return set(node, 0, {Kind::kCodes, value.stage, {}});
    case Kind::kRows:
    case Kind::kSums:
      if (!to_float) refuse(node, "turns a layer's input into integers");
      break;
    default:
      break;
  }
  set(node, 0, value);
}

void OnnxChain::same(const OnnxNode& node) {
  const Value value = input(node, 0);
  if (node.kind == "Dropout" && has_input(node, 2)) {
    const std::optional<float> training = weights_.single(constant_input(node, 2));
    if (!training || *training != 0.0F)
      refuse(node, "is in training mode; export the model in eval mode");
  }
  set(node, 0, value);
}

// Rows stay rows; a label or a bias may get or lose a dimension of 1.
void OnnxChain::reshape(const OnnxNode& node) {
  const Value value = input(node, 0);
  if (value.kind == Kind::kConstant && node.kind == "Flatten")
    refuse(node, "flattens a stored tensor");
  if (value.kind == Kind::kRows && node.kind == "Flatten" && node.integer("axis", 1) != 1)
    refuse(node, "flattens rows into each other; expected axis 1");
  if (value.kind == Kind::kConstant && value.constant.tensor->shape.size() > 1 &&
      value.constant.tensor->elements() != 0) {
    const std::vector<std::int64_t> shape = integers_of(*constant_input(node, 1).tensor);
    const auto& before = value.constant.tensor->shape;
    if (!std::ranges::equal(shape, before, [](std::int64_t a, std::uint64_t b) {
          return static_cast<std::uint64_t>(a) == b;
        }))
      refuse(node, "gives a stored matrix another shape");
  }
  if (value.kind == Kind::kRows && node.kind == "Reshape") {
    const std::vector<std::int64_t> shape = integers_of(*constant_input(node, 1).tensor);
    const bool keeps_rows =
        shape.size() == 2 &&
        (shape[0] == -1 || (shape[0] == 0 && shape[1] == -1) || (shape[0] == 0 && shape[1] > 0));
    if (!keeps_rows)
      refuse(node, fmt::format("gives rows the shape [{}]; expected [-1, n] or [0, n]",
                               fmt::join(shape, ", ")));
  }
  set(node, 0, value);
}

}  // namespace nibble
