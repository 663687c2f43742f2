#include "nibble/formats/convert.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nibble/formats/model_file.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

bool is_onnx(const fs::path& path) { return path.extension() == ".onnx"; }

// The float network, and a remark if its numbers stand for codes.
Mlp float_network(Converted& converted) {
  if (auto* mlp = std::get_if<Mlp>(&converted.model.network)) return std::move(*mlp);
  const auto& quantized = std::get<QuantizedMlp>(converted.model.network);
  converted.remarks.push_back(
      fmt::format("The weights are the float32 numbers that the {} codes stand for, not those the "
                  "network was trained to.",
                  name_of(quantized.scheme)));
  return dequantize(quantized);
}

void change_scheme(Converted& converted, Scheme scheme, const fs::path& to) {
  if (converted.model.scheme() == scheme) return;
  Mlp mlp = float_network(converted);
  converted.model.network = std::move(mlp);
  if (scheme == Scheme::kF32) return;
  if (scheme == Scheme::kInt4 && is_onnx(to)) {
    converted.model.network =
        quantize(std::get<Mlp>(converted.model.network), scheme, InputKind::kDense);
    return;
  }
  converted.model = quantized_model(converted.model, scheme);
}

bool has_groups_along_outputs(const Model& model) {
  const auto& layers = std::get<QuantizedMlp>(model.network).layers;
  return std::ranges::any_of(layers, [](const QuantizedLinear& layer) {
    return std::get<Int4Matrix>(layer.weight).axis == GroupAxis::kOutputs;
  });
}

void remark_on_onnx(Converted& converted) {
  const Scheme scheme = converted.model.scheme();
  if (scheme == Scheme::kInt8 || scheme == Scheme::kInt8Torch)
    converted.remarks.emplace_back(
        "ONNX Runtime rounds what enters a hidden layer with one scale for all rows of a call, "
        "nibble "
        "with one for each row: logits differ in the third digit.");
  if (scheme != Scheme::kInt4) return;
  converted.remarks.emplace_back(
      "ONNX Runtime rounds what enters a layer with one scale for each 32 inputs, nibble with one "
      "for "
      "each row: logits differ in the third digit.");
  if (has_groups_along_outputs(converted.model))
    converted.remarks.emplace_back(
        "The first layer's groups lie along its outputs, which MatMulNBits does not have: it is "
        "stored "
        "as int4 and widened in every call, which takes time. Converted from the float model with "
        "--scheme int4, its groups lie along the inputs.");
}

}  // namespace

Converted convert_file(const fs::path& from, const fs::path& to, std::optional<Scheme> scheme) {
  require_writable_model(to);
  Converted converted{load_model(from), {}};
  const auto& settings = converted.model.provenance.settings;
  if (settings.find("onnx_weights") != settings.end())
    converted.remarks.emplace_back(
        "Weights of fewer bits that none of nibble's encodings holds were read as the float32 "
        "numbers "
        "they stand for.");
  if (carries_training_state(from))
    converted.remarks.emplace_back(
        "The state of the training (for --resume) stays behind; the network does not need it.");
  if (scheme) change_scheme(converted, *scheme, to);
  save_model(converted.model, to);
  if (is_onnx(to)) remark_on_onnx(converted);
  return converted;
}

}  // namespace nibble
