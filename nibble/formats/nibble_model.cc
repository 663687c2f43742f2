#include "nibble/formats/nibble_model.h"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nibble/core/digest.h"
#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/encoded_tensors.h"
#include "nibble/formats/model_checks.h"
#include "nibble/formats/safetensors.h"
#include "nibble/formats/strict_json.h"
#include "nibble/formats/vocabulary_text.h"
#include "nibble/formats/word_coding.h"

namespace nibble {
namespace {

constexpr std::string_view kFormat = "nibble";
constexpr unsigned kVersion = 2;
constexpr std::string_view kVocabulary = "vocabulary";
constexpr std::string_view kDigest = "tensors_sha256";
constexpr std::string_view kHashedWords = "hashed_words";
constexpr std::string_view kWordCoding = "front-range";

using Metadata = std::map<std::string, std::string>;

const std::string& entry_of(const Metadata& metadata, const std::string& name) {
  const auto found = metadata.find(name);
  if (found == metadata.end())
    throw_error("the model file's metadata lack '{}'; the file is damaged", name);
  return found->second;
}

template <typename T>
T number_from(std::string_view text, std::string_view name) {
  T number{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end)
    throw_error("the model file has '{}' as its {}; expected a number", text, name);
  return number;
}

template <typename T>
T number_entry(const Metadata& metadata, const std::string& name) {
  return number_from<T>(entry_of(metadata, name), name);
}

void require_version(const Metadata& metadata) {
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kFormat) {
    throw_error("this safetensors file was not written by nibble (its metadata lack format '{}')",
                kFormat);
  }
  const auto version = number_entry<unsigned>(metadata, "format_version");
  if (version > kVersion) {
    throw_error(
        "this model file has format version {}, but this nibble reads versions up to {}; use "
        "a newer nibble",
        version, kVersion);
  }
  if (version == 0) throw_error("this model file has format version 0, which never existed");
}

bool is_compressed(const Featurizer& featurizer) {
  const auto* bag = std::get_if<BagOfWords>(&featurizer);
  return bag != nullptr && bag->stored_compressed;
}

bool needs_version_2(const Model& model) {
  return model.scheme() == Scheme::kMixed || is_compressed(model.featurizer) ||
         hashes_words(model.featurizer);
}

Metadata metadata_of(const Model& model) {
  const Provenance& provenance = model.provenance;
  Metadata metadata = {{"format", std::string(kFormat)},
                       {"format_version", needs_version_2(model) ? "2" : "1"},
                       {"scheme", std::string(name_of(model.scheme()))},
                       {"layer_sizes", fmt::format("{}", fmt::join(model.shape().sizes(), ","))},
                       {"labels", nlohmann::json(model.labels).dump()},
                       {"settings", nlohmann::json(provenance.settings).dump()},
                       {"epoch", fmt::format("{}", provenance.epoch)},
                       {"validation_accuracy", fmt::format("{}", provenance.validation_accuracy)},
                       {"validation_loss", fmt::format("{}", provenance.validation_loss)}};
  if (const auto* numeric = std::get_if<Numeric>(&model.featurizer)) {
    metadata["featurizer"] = "numeric";
    metadata["input_scale"] = fmt::format("{}", numeric->scale);
  } else if (hashes_words(model.featurizer)) {
    metadata["featurizer"] = kHashedWords;
  } else {
    metadata["featurizer"] = "bag_of_words";
    if (is_compressed(model.featurizer)) metadata["vocabulary_coding"] = kWordCoding;
  }
  if (model.scheme() == Scheme::kMixed)
    metadata["encodings"] = layer_encodings_text(std::get<QuantizedMlp>(model.network));
  if (model.scheme() == Scheme::kInt4)
    metadata["group_axes"] = group_axes_text(std::get<QuantizedMlp>(model.network));
  return metadata;
}

std::vector<std::size_t> layer_sizes(const Metadata& metadata) {
  std::string_view text = entry_of(metadata, "layer_sizes");
  std::vector<std::size_t> sizes;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = text.find(',');
    sizes.push_back(number_from<std::size_t>(text.substr(0, comma), "layer_sizes"));
    if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
  }
  if (sizes.size() < 2)
    throw_error("the model file has {} layer sizes; expected at least 2", sizes.size());
  return sizes;
}

// Takes the tensors out one after another; what is left over at the end does not belong there.
void require_all_known(const Safetensors& file, std::size_t known) {
  if (file.tensors.size() == known) return;
  throw_error("the model file has {} tensors, but {} make up such a model", file.tensors.size(),
              known);
}

Featurizer featurizer_from(const Safetensors& file, std::size_t inputs) {
  const std::string& kind = entry_of(file.metadata, "featurizer");
  if (kind == "numeric") return Numeric{inputs, number_entry<float>(file.metadata, "input_scale")};
  if (kind == kHashedWords) return BagOfWords{Vocabulary::hashed(inputs)};
  if (kind != "bag_of_words")
    throw_error(
        "the model file has the featurizer '{}'; expected bag_of_words, hashed_words or numeric",
        kind);
  const SafeTensor* words = file.find(kVocabulary);
  if (words == nullptr || words->type != ElementType::kU8)
    throw_error("the model file lacks its vocabulary; the file is damaged");
  const auto coding = file.metadata.find("vocabulary_coding");
  if (coding == file.metadata.end())
    return BagOfWords{Vocabulary::of_lines(std::string(text_of(words->bytes)))};
  if (coding->second != kWordCoding)
    throw_error("the model file's vocabulary is coded as '{}'; expected {}", coding->second,
                kWordCoding);
  return BagOfWords{Vocabulary::of_lines(expand_words(words->bytes, inputs)), true};
}

Provenance provenance_from(const Metadata& metadata) {
  Provenance provenance;
  provenance.settings = read_json_text_map(entry_of(metadata, "settings"), "the model's settings");
  provenance.epoch = number_entry<std::size_t>(metadata, "epoch");
  provenance.validation_accuracy = number_entry<double>(metadata, "validation_accuracy");
  provenance.validation_loss = number_entry<double>(metadata, "validation_loss");
  return provenance;
}

std::vector<LayerEncoding> encodings_of(const Metadata& metadata, std::size_t layers) {
  const std::string& name = entry_of(metadata, "scheme");
  if (name == nibble::name_of(Scheme::kMixed))
    return layer_encodings_from(entry_of(metadata, "encodings"), layers);
  const Scheme scheme = scheme_named(name);
  std::vector<LayerEncoding> encodings(layers, {scheme});
  if (scheme != Scheme::kInt4) return encodings;
  const auto axes = group_axes_from(entry_of(metadata, "group_axes"), layers);
  for (std::size_t l = 0; l < layers; ++l) encodings[l].axis = axes[l];
  return encodings;
}

Mlp mlp_from(QuantizedMlp&& quantized) {
  Mlp mlp;
  for (QuantizedLinear& layer : quantized.layers) {
    mlp.layers.emplace_back();
    mlp.layers.back().weight = std::get<F32Matrix>(std::move(layer.weight));
    mlp.layers.back().bias = std::move(layer.bias);
  }
  return mlp;
}

std::string digest_of(const Safetensors& file) {
  Sha256 digest;
  for (const SafeTensor* tensor : in_file_order(file.tensors)) digest.add(text_of(tensor->bytes));
  return digest.hex();
}

// All but the digest; views the model and `words`.
Safetensors content_of(const Model& model, std::string& words) {
  require_sound(model);
  Safetensors content;
  content.metadata = metadata_of(model);
  content.tensors =
      std::visit([](const auto& stage) { return encoded_tensors(stage); }, model.network);
  if (const Vocabulary* list = word_list(model.featurizer)) {
    words = text_from_words(list->words());
    if (is_compressed(model.featurizer)) words = compress_words(words);
    content.tensors.push_back(
        {std::string(kVocabulary), ElementType::kU8, {words.size()}, bytes_of(words)});
  }
  add_checks(make_checks(model), content.metadata);
  return content;
}

}  // namespace

void write_nibble_model(const Model& model, AtomicFile& file) {
  std::string words;
  Safetensors content = content_of(model, words);
  content.metadata[std::string(kDigest)] = digest_of(content);
  write_safetensors(content, file);
}

std::size_t nibble_model_bytes(const Model& model) {
  std::string words;
  Safetensors content = content_of(model, words);
  constexpr std::size_t kDigestLetters = 64;
  content.metadata[std::string(kDigest)] = std::string(kDigestLetters, '0');
  return safetensors_bytes(content);
}

Model read_nibble_model(std::span<const std::byte> bytes, const SharedFile& owner) {
  const Safetensors file = read_safetensors(bytes);
  Model model;
  read_description(file.metadata, model);
  const auto sizes = layer_sizes(file.metadata);
  model.featurizer = featurizer_from(file, sizes.front());
  QuantizedMlp quantized =
      decoded_network({file, owner}, sizes, encodings_of(file.metadata, sizes.size() - 1));
  const bool has_words = word_list(model.featurizer) != nullptr;
  require_all_known(file, tensor_count(quantized) + (has_words ? 1 : 0));
  if (quantized.scheme == Scheme::kF32) {
    model.network = mlp_from(std::move(quantized));
  } else {
    model.network = std::move(quantized);
  }
  require_sound(model);
  return model;
}

StoredChecks read_stored_checks(std::span<const std::byte> bytes, const Model& model) {
  const Safetensors file = read_safetensors(bytes);
  StoredChecks checks{false, checks_from(file.metadata, model)};
  const auto digest = file.metadata.find(std::string(kDigest));
  if (digest == file.metadata.end()) return checks;
  checks.has_digest = true;
  if (const std::string now = digest_of(file); now != digest->second) {
    throw_error(
        "the weights are not those that were written: their SHA-256 is {}, {} is stored; the file "
        "is damaged",
        now, digest->second);
  }
  return checks;
}

std::map<std::string, std::string> model_metadata(const Model& model) { return metadata_of(model); }

void read_description(const std::map<std::string, std::string>& metadata, Model& model) {
  require_version(metadata);
  model.labels = read_json_texts(entry_of(metadata, "labels"), "the model's list of labels");
  model.provenance = provenance_from(metadata);
}

}  // namespace nibble
