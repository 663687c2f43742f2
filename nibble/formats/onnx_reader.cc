#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/model_checks.h"
#include "nibble/formats/nibble_model.h"
#include "nibble/formats/onnx.h"
#include "nibble/formats/onnx_network.h"

namespace nibble {
namespace {

constexpr std::string_view kOurs = "nibble.";

using Metadata = std::map<std::string, std::string>;

// What nibble wrote, without "nibble."; empty for files of others.
Metadata own_metadata(const OnnxFile& file) {
  Metadata metadata;
  for (const auto& [key, value] : file.metadata) {
    if (key.starts_with(kOurs)) metadata.emplace(key.substr(kOurs.size()), value);
  }
  return metadata;
}

std::string entry_or_empty(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string() : found->second;
}

Mlp as_floats(std::vector<QuantizedLinear> layers) {
  Mlp mlp;
  for (QuantizedLinear& layer : layers) {
    Linear linear;
    auto* own = std::get_if<F32Matrix>(&layer.weight);
    linear.weight = own != nullptr ? std::move(*own) : decode(layer.weight);
    linear.bias = std::move(layer.bias);
    mlp.layers.push_back(std::move(linear));
  }
  return mlp;
}

LabelNames numbered_labels(std::size_t count) {
  LabelNames labels;
  for (std::size_t label = 0; label < count; ++label) labels.push_back(fmt::format("{}", label));
  return labels;
}

OnnxReading reading_of(const Metadata& metadata, const SharedFile& owner) {
  const bool has_text = entry_or_empty(metadata, "input") == "text";
  return {owner, entry_or_empty(metadata, "scheme") == name_of(Scheme::kInt8Torch), has_text};
}

}  // namespace

LayerBytes onnx_storage(std::span<const std::byte> bytes) {
  const OnnxFile file = read_onnx_file(bytes);
  return read_onnx_network(file, reading_of(own_metadata(file), nullptr)).storage;
}

Model read_onnx(std::span<const std::byte> bytes, const SharedFile& owner) {
  const OnnxFile file = read_onnx_file(bytes);
  const Metadata metadata = own_metadata(file);
  const bool of_words = entry_or_empty(metadata, "featurizer") == "bag_of_words";
  OnnxNetwork network = read_onnx_network(file, reading_of(metadata, owner));

  Model model;
  const std::size_t inputs = input_count(network.layers.front().weight);
  const std::size_t outputs = output_count(network.layers.back().weight);
  const Scheme common = common_scheme(network.layers);
  const bool widened = network.widened || common == Scheme::kMixed;
  const Scheme scheme = common == Scheme::kMixed ? Scheme::kF32 : common;
  if (scheme == Scheme::kF32) {
    model.network = as_floats(std::move(network.layers));
  } else {
    model.network = QuantizedMlp{scheme, std::move(network.layers)};
  }
  model.featurizer = Numeric{inputs, network.input_scale};
  if (of_words)
    model.featurizer = BagOfWords{Vocabulary::of_lines(entry_or_empty(metadata, "vocabulary"))};
  if (entry_or_empty(metadata, "featurizer") == "hashed_words")
    model.featurizer = BagOfWords{Vocabulary::hashed(inputs)};
  model.labels = network.labels.empty() ? numbered_labels(outputs) : std::move(network.labels);
  if (!metadata.empty()) read_description(metadata, model);
  if (widened) model.provenance.settings["onnx_weights"] = "read as float32";
  require_sound(model);
  return model;
}

}  // namespace nibble
