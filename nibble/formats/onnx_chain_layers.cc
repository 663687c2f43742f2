// The operators that make layers.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/onnx_chain.h"

namespace nibble {
namespace {

constexpr float kLargestCount = 255.0F;

bool is_float(const EncodedMatrix& matrix) { return std::holds_alternative<F32Matrix>(matrix); }

std::size_t stored_size(const OnnxTensor& tensor) {
  return tensor.raw ? tensor.raw->size() : tensor.message.size();
}

void scale_by(F32Matrix& weight, float factor) {
  for (float& value : weight.values) value *= factor;
}

}  // namespace

void OnnxChain::count_weights(const OnnxConstant& weight) {
  network_.storage.weights += stored_size(*weight.tensor);
  if (weight.scales != nullptr) network_.storage.scales += stored_size(*weight.scales);
  if (weight.zeros != nullptr) network_.storage.scales += stored_size(*weight.zeros);
}

void OnnxChain::count_codes(const OnnxConstant& codes, const OnnxConstant& scales,
                            const std::optional<OnnxConstant>& zeros) {
  network_.storage.weights += stored_size(*codes.tensor);
  network_.storage.scales += stored_size(*scales.tensor);
  if (zeros) network_.storage.scales += stored_size(*zeros->tensor);
}

EncodedMatrix OnnxChain::integer_matrix(const OnnxConstant& codes, const OnnxConstant& scales,
                                        const std::optional<OnnxConstant>& zeros) {
  count_codes(codes, scales, zeros);
  return weights_.integer_matrix(codes, scales, zeros, reading_.torch_codes);
}

// `encoded`: the graph stores the weights in 8 or 4 bits.
void OnnxChain::add_layer(const OnnxNode& node, EncodedMatrix weight,
                          const std::optional<OnnxConstant>& bias, bool encoded) {
  const std::size_t inputs = input_count(weight);
  const std::size_t outputs = output_count(weight);
  if (!network_.layers.empty()) {
    const std::size_t before = output_count(network_.layers.back().weight);
    if (before != inputs)
      refuse(node,
             fmt::format("takes {} inputs, but the layer before it gives {}", inputs, before));
    if (!has_relu_)
      refuse(node,
             "follows another layer without a Relu; nibble's networks have one between any two");
  }
  network_.widened = network_.widened || (encoded && is_float(weight));
  QuantizedLinear layer{std::move(weight), AlignedVector<float>(outputs)};
  if (bias) {
    layer.bias = weights_.vector(*bias, outputs);
    network_.storage.biases += stored_size(*bias->tensor);
  }
  network_.layers.push_back(std::move(layer));
  has_relu_ = false;
  has_bias_ = bias.has_value();
  set_rows(node);
}

void OnnxChain::gemm(const OnnxNode& node) {
  require_newest(node, input(node, 0));
  if (input(node, 0).kind != Kind::kRows || node.integer("transA", 0) != 0)
    refuse(node, "does not take the rows as they come");
  const OnnxConstant weight = constant_input(node, 1);
  count_weights(weight);
  EncodedMatrix matrix = weights_.matrix(weight, node.integer("transB", 0) != 0);
  const float alpha = node.number("alpha", 1.0F);
  const float beta = node.number("beta", 1.0F);
  if (alpha != 1.0F) {
    matrix = decode(matrix);
    scale_by(std::get<F32Matrix>(matrix), alpha);
  }
  add_layer(node, std::move(matrix), optional_constant(node, 2), weight.scales != nullptr);
  for (float& value : network_.layers.back().bias) value *= beta;
}

void OnnxChain::fused_gemm(const OnnxNode& node) {
  const std::string_view activation = node.text("activation", "");
  if (activation != "Relu" && !activation.empty())
    refuse(node, fmt::format("has the activation '{}'; expected Relu", activation.substr(0, 100)));
  gemm(node);
  has_relu_ = !activation.empty();
}

void OnnxChain::matmul(const OnnxNode& node) {
  require_newest(node, input(node, 0));
  if (input(node, 0).kind != Kind::kRows) refuse(node, "does not take the rows as its first input");
  const OnnxConstant weight = constant_input(node, 1);
  count_weights(weight);
  add_layer(node, weights_.matrix(weight, false), std::nullopt, weight.scales != nullptr);
}

void OnnxChain::add(const OnnxNode& node) {
  const bool constant_first = input(node, 0).kind == Kind::kConstant;
  const Value rows = input(node, constant_first ? 1 : 0);
  const OnnxConstant bias = constant_input(node, constant_first ? 0 : 1);
  require_newest(node, rows);
  if (rows.kind != Kind::kRows || network_.layers.empty() || has_relu_ || has_bias_)
    refuse(node, "adds to something other than a layer's sums");
  QuantizedLinear& layer = network_.layers.back();
  layer.bias = weights_.vector(bias, layer.bias.size());
  network_.storage.biases += stored_size(*bias.tensor);
  has_bias_ = true;
  set_rows(node);
}

void OnnxChain::scale_input(const OnnxNode& node, float factor) {
  if (!network_.layers.empty())
    refuse(node, "scales what a layer gives; only the input may be scaled");
  network_.input_scale *= factor;
  set_rows(node);
}

void OnnxChain::multiply(const OnnxNode& node) {
  const Value& first = input(node, 0);
  const Value& second = input(node, 1);
  const bool swapped = first.kind == Kind::kConstant ||
                       (second.kind == Kind::kSums && first.kind == Kind::kBothScales);
  const Value a = swapped ? second : first;
  const Value b = swapped ? first : second;
  if (a.kind == Kind::kSums && b.kind == Kind::kBothScales) return finish_sums(node, b.constant);
  if (b.kind != Kind::kConstant) refuse(node, "multiplies two computed values");
  if (a.kind == Kind::kSums) return finish_sums(node, b.constant);
  require_newest(node, a);
  if (a.kind == Kind::kCodesScale) return set(node, 0, {Kind::kBothScales, a.stage, b.constant});
  const std::optional<float> factor = weights_.single(b.constant);
  if (a.kind != Kind::kRows || !factor)
    refuse(node, "multiplies something other than the whole input with one number");
  scale_input(node, *factor);
}

void OnnxChain::divide(const OnnxNode& node) {
  require_newest(node, input(node, 0));
  const std::optional<float> divisor = weights_.single(constant_input(node, 1));
  if (input(node, 0).kind != Kind::kRows || !divisor || *divisor == 0.0F)
    refuse(node, "divides something other than the whole input by one number");
  scale_input(node, 1.0F / *divisor);
}

void OnnxChain::relu(const OnnxNode& node) {
  const Value& rows = input(node, 0);
  require_newest(node, rows);
  if (rows.kind != Kind::kRows || network_.layers.empty())
    refuse(node, "stands in front of the first layer");
  has_relu_ = true;
  set_rows(node);
}

void OnnxChain::clip(const OnnxNode& node) {
  const Value& rows = input(node, 0);
  require_newest(node, rows);
  const auto least = has_input(node, 1) ? weights_.single(constant_input(node, 1)) : std::nullopt;
  const auto most = has_input(node, 2) ? weights_.single(constant_input(node, 2)) : std::nullopt;
  if (rows.kind != Kind::kRows || !network_.layers.empty() || least != 0.0F ||
      most != kLargestCount)
    refuse(node, "cuts something other than counts to 0..255");
  set(node, 0, {Kind::kCounts, rows.stage, {}});
}

void OnnxChain::quantize_rows(const OnnxNode& node) {
  const Value& rows = input(node, 0);
  require_newest(node, rows);
  if (rows.kind != Kind::kRows) refuse(node, "does not take a layer's input");
  const std::size_t stage = rows.stage;
  set(node, 0, {Kind::kCodes, stage, {}});
  set(node, 1, {Kind::kCodesScale, stage, {}});
  set(node, 2, {Kind::kCodesZero, stage, {}});
}

void OnnxChain::matmul_integer(const OnnxNode& node) {
  const Value& codes = input(node, 0);
  require_newest(node, codes);
  if (codes.kind != Kind::kCodes) refuse(node, "does not take a layer's input as integers");
  if (has_input(node, 2) && input(node, 2).kind != Kind::kCodesZero)
    refuse(node, "has a zero point of its input that is not the DynamicQuantizeLinear's");
  pending_ = {constant_input(node, 1), optional_constant(node, 3)};
  set(node, 0, {Kind::kSums, stage_, {}});
}

void OnnxChain::finish_sums(const OnnxNode& node, const OnnxConstant& scales) {
  if (!pending_) refuse(node, "scales sums that were scaled before");
  const Pending layer = *std::exchange(pending_, std::nullopt);
  add_layer(node, integer_matrix(layer.codes, scales, layer.zeros), std::nullopt, true);
}

// Inputs: rows, codes, scales, zero points, bias.
void OnnxChain::matmul_dynamic(const OnnxNode& node) {
  require_newest(node, input(node, 0));
  if (input(node, 0).kind != Kind::kRows) refuse(node, "does not take the rows as its first input");
  add_layer(
      node,
      integer_matrix(constant_input(node, 1), constant_input(node, 2), optional_constant(node, 3)),
      optional_constant(node, 4), true);
}

// Inputs: codes of the rows, codes, scale of the rows, scales, zero point of the rows, zero points,
// bias.
void OnnxChain::matmul_to_float(const OnnxNode& node) {
  require_newest(node, input(node, 0));
  if (input(node, 0).kind != Kind::kCodes || input(node, 2).kind != Kind::kCodesScale)
    refuse(node, "does not take a DynamicQuantizeLinear's integers and scale");
  add_layer(
      node,
      integer_matrix(constant_input(node, 1), constant_input(node, 3), optional_constant(node, 5)),
      optional_constant(node, 6), true);
}

// Inputs: rows, codes, scales, zero points, an order of the inputs, bias.
void OnnxChain::matmul_bits(const OnnxNode& node) {
  require_newest(node, input(node, 0));
  if (input(node, 0).kind != Kind::kRows) refuse(node, "does not take the rows as its first input");
  if (has_input(node, 4)) refuse(node, "has its inputs in an order of its own (g_idx)");
  const auto size = [&node](std::string_view name, std::int64_t otherwise) {
    return static_cast<std::size_t>(node.integer(name, otherwise));
  };
  const OnnxWeights::Blocks blocks{size("K", 0), size("N", 0), size("bits", 4),
                                   size("block_size", 32)};
  count_codes(constant_input(node, 1), constant_input(node, 2), optional_constant(node, 3));
  add_layer(node,
            weights_.block_matrix(blocks, constant_input(node, 1), constant_input(node, 2),
                                  optional_constant(node, 3)),
            optional_constant(node, 5), true);
}

}  // namespace nibble
