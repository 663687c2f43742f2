#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/checkpoint_pt.h"
#include "nibble/formats/model_checks.h"
#include "nibble/formats/pickle_reader.h"
#include "nibble/formats/setting_value.h"
#include "nibble/formats/torch_tensors.h"
#include "nibble/formats/zip_reader.h"

namespace nibble {
namespace {

// More than any real dict of settings; a hostile one can repeat a long text at will.
constexpr std::size_t kMostSettingBytes = std::size_t{1} << 20;

// "checkpoint/", the folder that holds data.pkl.
std::string folder_of(const ZipReader& archive) {
  constexpr std::string_view kPickle = "/data.pkl";
  std::optional<std::string> folder;
  for (const ZipEntry& entry : archive.entries()) {
    const bool is_script = entry.name.ends_with("/constants.pkl") ||
                           entry.name.find("/code/") != std::string_view::npos;
    if (is_script) {
      throw_error(
          "this is a TorchScript program, not a checkpoint; save the parameters: "
          "torch.save(model.state_dict(), path)");
    }
    if (!entry.name.ends_with(kPickle)) continue;
    if (folder) throw_error("the file holds two checkpoints, '{}' and '{}'", *folder, entry.name);
    folder = entry.name.substr(0, entry.name.size() - kPickle.size() + 1);
  }
  if (!folder) throw_error("the ZIP file has no data.pkl, so it is not a PyTorch checkpoint");
  return *folder;
}

const ZipEntry& pickle_record(const ZipReader& archive, const std::string& folder) {
  const ZipEntry* order = archive.find(folder + "byteorder");
  if (order != nullptr && text_of(order->bytes) != "little") {
    throw_error(
        "the checkpoint was written on a big-endian machine; load it there and save it on a "
        "usual one");
  }
  const ZipEntry& pickle = *archive.find(folder + "data.pkl");
  require_checksum(pickle);
  return pickle;
}

const PickleDict& root_of(const PickleDocument& document) {
  const auto* dict = document.root().as<PickleDict>();
  if (dict == nullptr) {
    throw_error("the checkpoint holds {}; expected a state_dict or a dict with one",
                kind_of(document.root()));
  }
  return *dict;
}

const PickleDict& state_dict_in(const PickleDict& root) {
  for (const std::string_view key : {"model_state_dict", "state_dict", "model"}) {
    const PickleValue* value = root.find(key);
    if (value == nullptr) continue;
    if (const auto* dict = value->as<PickleDict>()) return *dict;
    throw_error("'{}' of the checkpoint is {}; expected a state_dict", key, kind_of(*value));
  }
  return root;
}

// Both tensors of a Linear layer under their common name ("3", "module.classifier").
struct LinearTensors {
  std::string_view name;
  const PickleTensor* weight = nullptr;
  const PickleTensor* bias = nullptr;
};

// The part of "3.weight" before ".weight"; nothing when the name ends differently.
std::optional<std::string_view> stem_of(std::string_view name, std::string_view ending) {
  if (name == ending) return std::string_view();
  if (!name.ends_with(ending)) return std::nullopt;
  name.remove_suffix(ending.size());
  if (!name.ends_with('.')) return std::nullopt;
  name.remove_suffix(1);
  return name;
}

[[noreturn]] void refuse_tensor(std::string_view name, const PickleTensor& tensor) {
  throw_error(
      "the tensor '{}' of shape {} is not the weight or bias of a Linear layer; only networks "
      "of Linear layers with ReLU between them can be read",
      name, shape_text(tensor.shape));
}

// Tensors come in the order of the state_dict, which is the order of the layers.
void add_tensor(std::vector<LinearTensors>& layers, std::string_view name,
                const PickleTensor& tensor) {
  const auto weight_stem = stem_of(name, "weight");
  const auto stem = weight_stem ? weight_stem : stem_of(name, "bias");
  if (!stem || tensor.shape.size() != (weight_stem ? 2 : 1)) refuse_tensor(name, tensor);
  if (layers.empty() || layers.back().name != *stem) layers.push_back({*stem, nullptr, nullptr});
  const PickleTensor*& place = weight_stem ? layers.back().weight : layers.back().bias;
  if (place != nullptr) throw_error("the tensor '{}' stands twice in the checkpoint", name);
  place = &tensor;
}

std::vector<LinearTensors> linear_layers(const PickleDict& state) {
  std::vector<LinearTensors> layers;
  for (const auto& [key, value] : state.entries) {
    const auto* name = key->as<std::string_view>();
    if (name == nullptr) throw_error("the state_dict has {} as a name", kind_of(*key));
    const PickleTensor* tensor = value->as_tensor();
    if (tensor == nullptr)
      throw_error("the state_dict has {} under '{}'; expected a tensor", kind_of(*value), *name);
    add_tensor(layers, *name, *tensor);
  }
  return layers;
}

Mlp network_from(const PickleDict& state, TorchTensors& tensors) {
  Mlp mlp;
  for (const LinearTensors& found : linear_layers(state)) {
    if (found.weight == nullptr || found.bias == nullptr)
      throw_error("the layer '{}' has no {}; expected a weight and a bias", found.name,
                  found.weight == nullptr ? "weight" : "bias");
    Linear layer;
    layer.weight = tensors.transposed(*found.weight, fmt::format("{}.weight", found.name));
    layer.bias = tensors.vector(*found.bias, fmt::format("{}.bias", found.name));
    mlp.layers.push_back(std::move(layer));
  }
  if (mlp.layers.empty()) throw_error("the checkpoint has no tensors; expected Linear layers");
  return mlp;
}

// A list may name one text again and again; different texts cannot be longer than the pickle.
std::vector<std::string> texts_from(const PickleValue& value, std::string_view what,
                                    std::size_t pickle_size) {
  const auto* list = value.as<PickleList>();
  if (list == nullptr)
    throw_error("'{}' of the checkpoint is {}; expected a list", what, kind_of(value));
  std::vector<std::string> texts;
  std::size_t total = 0;
  for (const PickleValue* item : list->items) {
    auto text = item->as<PickleList>() == nullptr ? setting_from_pickle(*item) : std::nullopt;
    if (!text) throw_error("'{}' of the checkpoint holds {}; expected text", what, kind_of(*item));
    total += text->size();
    if (total > pickle_size) throw_error("'{}' of the checkpoint repeats its texts", what);
    texts.push_back(std::move(*text));
  }
  return texts;
}

// The key's value; nothing when it is missing or None.
const PickleValue* find_value(const PickleDict& dict, std::string_view key) {
  const PickleValue* value = dict.find(key);
  return value == nullptr || value->as<PickleNone>() != nullptr ? nullptr : value;
}

std::optional<double> find_number(const PickleDict& dict, std::string_view key) {
  const PickleValue* value = find_value(dict, key);
  if (value == nullptr) return std::nullopt;
  if (const auto* whole = value->as<std::int64_t>()) return static_cast<double>(*whole);
  if (const auto* real = value->as<double>()) return *real;
  return std::nullopt;
}

LabelNames labels_from(const PickleDict& root, std::size_t outputs, std::size_t pickle_size) {
  if (const PickleValue* labels = find_value(root, "labels"))
    return texts_from(*labels, "labels", pickle_size);
  LabelNames names;
  for (std::size_t i = 0; i < outputs; ++i) names.push_back(fmt::format("{}", i));
  return names;
}

Featurizer featurizer_from(const PickleDict& root, std::size_t inputs, std::size_t pickle_size) {
  if (const PickleValue* words = find_value(root, "vocabulary"))
    return BagOfWords{Vocabulary(texts_from(*words, "vocabulary", pickle_size))};
  Numeric numeric{inputs, 1.0F};
  const PickleValue* featurizer = find_value(root, "featurizer");
  const auto* dict = featurizer == nullptr ? nullptr : featurizer->as<PickleDict>();
  if (dict != nullptr)
    numeric.scale = static_cast<float>(find_number(*dict, "scale").value_or(1.0));
  return numeric;
}

std::map<std::string, std::string> settings_from(const PickleDict& root) {
  std::map<std::string, std::string> settings;
  const PickleValue* value = find_value(root, "hyperparameters");
  const auto* dict = value == nullptr ? nullptr : value->as<PickleDict>();
  if (dict == nullptr) return settings;
  std::size_t total = 0;
  for (const auto& [key, setting] : dict->entries) {
    const auto* name = key->as<std::string_view>();
    const auto text = setting_from_pickle(*setting);
    if (name == nullptr || !text) continue;  // of use to Python alone
    total += name->size() + text->size();
    if (total > kMostSettingBytes)
      throw_error("'hyperparameters' of the checkpoint hold more than {} bytes", kMostSettingBytes);
    settings.insert_or_assign(std::string(*name), *text);
  }
  return settings;
}

Provenance provenance_from(const PickleDict& root) {
  Provenance provenance;
  provenance.settings = settings_from(root);
  const PickleValue* epoch = root.find("epoch");
  const auto* number = epoch == nullptr ? nullptr : epoch->as<std::int64_t>();
  if (number != nullptr && *number > 0) provenance.epoch = static_cast<std::size_t>(*number);
  provenance.validation_accuracy = find_number(root, "validation_accuracy").value_or(0.0);
  provenance.validation_loss = find_number(root, "validation_loss").value_or(0.0);
  return provenance;
}

}  // namespace

Model read_checkpoint(std::span<const std::byte> file) {
  const ZipReader archive(file);
  const std::string folder = folder_of(archive);
  const ZipEntry& pickle = pickle_record(archive, folder);
  const PickleDocument document = read_pickle(pickle.bytes);
  const PickleDict& root = root_of(document);

  TorchTensors tensors(archive, folder, file.size());
  Model model;
  Mlp mlp = network_from(state_dict_in(root), tensors);
  model.labels = labels_from(root, mlp.outputs(), pickle.bytes.size());
  model.featurizer = featurizer_from(root, mlp.inputs(), pickle.bytes.size());
  model.network = std::move(mlp);
  model.provenance = provenance_from(root);
  require_sound(model);
  return model;
}

}  // namespace nibble
