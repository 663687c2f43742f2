#include "nibble/formats/convert.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/formats/model_file.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

bool is_onnx(const fs::path& path) { return path.extension() == ".onnx"; }
bool is_header(const fs::path& path) { return path.extension() == ".h"; }

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

void write_header(const Model& model, const fs::path& to, std::size_t largest) {
  try {
    write_file_atomically(to, c_header(model, c_name_from(to.stem().string()), largest));
  } catch (const Error& problem) {
    throw_error("cannot write the C header '{}': {}", to.string(), problem.what());
  }
}

// Of how the model was made, and of the file it came from.
void remark_on_origin(Converted& converted, const fs::path& from, const fs::path& to) {
  const auto& made_with = converted.model.provenance.settings;
  if (made_with.find("onnx_weights") != made_with.end())
    converted.remarks.emplace_back(
        "Weights of fewer bits that none of nibble's encodings holds were read as the float32 "
        "numbers "
        "they stand for.");
  if (carries_training_state(from))
    converted.remarks.emplace_back(
        "The state of the training (for --resume) stays behind; the network does not need it.");
  if (is_header(to) && !made_with.empty())
    converted.remarks.emplace_back(
        "The settings and figures of the training stay behind; a header holds what predicting "
        "needs.");
}

}  // namespace

Converted convert_file(const fs::path& from, const fs::path& to, const ConvertSettings& settings) {
  if (!is_header(to)) require_writable_model(to);
  if (settings.text && !is_onnx(to))
    throw_error("--text makes .onnx files; '{}' is none (a C header takes text anyway)",
                to.string());
  Converted converted{load_model(from, settings.load), {}};
  remark_on_origin(converted, from, to);
  if (settings.scheme) change_scheme(converted, *settings.scheme, to);
  if (is_header(to)) {
    write_header(converted.model, to, settings.largest_header);
  } else {
    save_model(converted.model, to, {settings.text});
  }
  if (settings.text)
    converted.remarks.emplace_back(
        "It takes text. Words are cut as nibble cuts them, but for a capital sigma at a word's "
        "end, U+0130, and "
        "characters newer than Unicode 14; ONNX Runtime needs the locale C.UTF-8.");
  if (is_onnx(to)) remark_on_onnx(converted);
  return converted;
}

}  // namespace nibble
