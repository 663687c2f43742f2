#include <functional>
#include <map>
#include <numeric>
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
#include "nibble/formats/state_dict.h"
#include "nibble/formats/state_modules.h"
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

const PickleDict& state_dict_under(const PickleDict& root, std::string_view key) {
  const PickleValue* value = root.find(key);
  if (value == nullptr) throw_error("the checkpoint has no '{}'", key);
  if (const auto* dict = value->as<PickleDict>()) return *dict;
  throw_error("'{}' of the checkpoint is {}; expected a state_dict", key, kind_of(*value));
}

// Under the given key, or where it usually stands.
const PickleDict& state_dict_in(const PickleDict& root, std::string_view wanted) {
  if (!wanted.empty()) return state_dict_under(root, wanted);
  for (const std::string_view key : {"model_state_dict", "state_dict", "model"}) {
    if (root.find(key) != nullptr) return state_dict_under(root, key);
  }
  return root;
}

// What a checkpoint holds beside its network. All of it may be missing.
class Details {
 public:
  // `pickle_size` in bytes: what a list of different texts cannot exceed.
  Details(const PickleDict& root, TorchTensors& tensors, std::size_t pickle_size)
      : root_(root), tensors_(tensors), pickle_size_(pickle_size) {}

  LabelNames labels(std::size_t outputs) const {
    if (const PickleValue* labels = find(root_, "labels")) return texts_from(*labels, "labels");
    LabelNames names;
    for (std::size_t i = 0; i < outputs; ++i) names.push_back(fmt::format("{}", i));
    return names;
  }

  Featurizer featurizer(std::size_t inputs) const {
    if (const PickleValue* words = find(root_, "vocabulary"))
      return BagOfWords{Vocabulary(texts_from(*words, "vocabulary"))};
    Numeric numeric{inputs, 1.0F};
    if (const PickleDict* dict = find_dict("featurizer")) {
      const PickleValue* kind = dict->find("kind");
      const auto* name = kind == nullptr ? nullptr : kind->as<std::string_view>();
      if (name != nullptr && *name == "hashed_words") return BagOfWords{Vocabulary::hashed(inputs)};
      numeric.scale = static_cast<float>(number(*dict, "scale").value_or(1.0));
    }
    return numeric;
  }

  Provenance provenance() const {
    Provenance provenance;
    if (const PickleDict* dict = find_dict("hyperparameters"))
      provenance.settings = settings(*dict);
    const PickleValue* epoch = root_.find("epoch");
    const auto* count = epoch == nullptr ? nullptr : epoch->as<std::int64_t>();
    if (count != nullptr && *count > 0) provenance.epoch = static_cast<std::size_t>(*count);
    provenance.validation_accuracy = number(root_, "validation_accuracy").value_or(0.0);
    provenance.validation_loss = number(root_, "validation_loss").value_or(0.0);
    return provenance;
  }

 private:
  // Nothing when the key is missing or its value is None.
  static const PickleValue* find(const PickleDict& dict, std::string_view key) {
    const PickleValue* value = dict.find(key);
    return value == nullptr || value->as<PickleNone>() != nullptr ? nullptr : value;
  }

  const PickleDict* find_dict(std::string_view key) const {
    const PickleValue* value = find(root_, key);
    return value == nullptr ? nullptr : value->as<PickleDict>();
  }

  std::optional<double> number(const PickleDict& dict, std::string_view key) const {
    const PickleValue* value = find(dict, key);
    if (value == nullptr) return std::nullopt;
    return tensors_.number(*value);
  }

  std::optional<std::string> text(const PickleValue& value) const {
    return setting_from_pickle(
        value, [this](const PickleTensor& tensor) { return tensors_.number(tensor); });
  }

  // A hostile list can name one text again and again.
  std::vector<std::string> texts_from(const PickleValue& value, std::string_view what) const {
    const auto* list = value.as<PickleList>();
    if (list == nullptr)
      throw_error("'{}' of the checkpoint is {}; expected a list", what, kind_of(value));
    std::vector<std::string> texts;
    std::size_t total = 0;
    for (const PickleValue* item : list->items) {
      auto item_text = item->as<PickleList>() == nullptr ? text(*item) : std::nullopt;
      if (!item_text)
        throw_error("'{}' of the checkpoint holds {}; expected text", what, kind_of(*item));
      total += item_text->size();
      if (total > pickle_size_) throw_error("'{}' of the checkpoint repeats its texts", what);
      texts.push_back(std::move(*item_text));
    }
    return texts;
  }

  std::map<std::string, std::string> settings(const PickleDict& dict) const {
    std::map<std::string, std::string> result;
    std::size_t total = 0;
    for (const auto& [key, value] : dict.entries) {
      const auto* name = key->as<std::string_view>();
      auto setting = text(*value);
      if (name == nullptr || !setting) continue;  // of use to Python alone
      total += name->size() + setting->size();
      if (total > kMostSettingBytes) {
        throw_error("'hyperparameters' of the checkpoint hold more than {} bytes",
                    kMostSettingBytes);
      }
      result.insert_or_assign(std::string(*name), std::move(*setting));
    }
    return result;
  }

  const PickleDict& root_;
  TorchTensors& tensors_;
  std::size_t pickle_size_;
};

// The pickle of a checkpoint file and what it refers to.
struct OpenCheckpoint {
  OpenCheckpoint(std::span<const std::byte> file, const SharedFile& owner)
      : archive(file),
        folder(folder_of(archive)),
        pickle(pickle_record(archive, folder).bytes),
        document(read_pickle(pickle)),
        tensors(archive, folder, file.size(), owner) {}
  OpenCheckpoint(const OpenCheckpoint&) = delete;
  OpenCheckpoint& operator=(const OpenCheckpoint&) = delete;

  const ZipReader archive;
  const std::string folder;
  const std::span<const std::byte> pickle;
  const PickleDocument document;
  TorchTensors tensors;
};

StateValue state_value(const PickleValue& value, std::string_view name, TorchTensors& tensors) {
  if (const auto* text = value.as<std::string_view>()) return std::string(*text);
  const PickleTensor* tensor = value.as_tensor();
  if (tensor == nullptr)
    throw_error("'{}' of the training state is {}; expected a tensor or text", name,
                kind_of(value));
  switch (tensor->storage.element) {
    case ElementType::kF64:
      return tensors.array<double>(*tensor, name);
    case ElementType::kI64:
      return tensors.array<std::int64_t>(*tensor, name);
    default:
      return tensors.array<float>(*tensor, name);
  }
}

std::size_t byte_count(const PickleTensor* tensor) {
  if (tensor == nullptr) return 0;
  return std::accumulate(tensor->shape.begin(), tensor->shape.end(),
                         bytes_of(tensor->storage.element), std::multiplies<>());
}

void add_layer(LayerBytes& total, const StateModule& layer) {
  total.weights += byte_count(layer.weight);
  total.biases += byte_count(layer.bias);
  if (const auto& quantizer = layer.weight->quantizer)
    total.scales +=
        byte_count(quantizer->scale->as_tensor()) + byte_count(quantizer->zero_point->as_tensor());
}

}  // namespace

LayerBytes checkpoint_storage(std::span<const std::byte> file, std::string_view key) {
  const OpenCheckpoint checkpoint(file, nullptr);
  LayerBytes total;
  for (const StateModule& module : modules_of(state_dict_in(root_of(checkpoint.document), key))) {
    if (!module.is_batch_norm()) add_layer(total, module);
  }
  return total;
}

Model read_checkpoint(std::span<const std::byte> file, std::string_view key,
                      const SharedFile& owner) {
  OpenCheckpoint checkpoint(file, owner);
  const PickleDict& root = root_of(checkpoint.document);
  TorchTensors& tensors = checkpoint.tensors;
  const Details details(root, tensors, checkpoint.pickle.size());
  Model model;
  model.network = network_from(state_dict_in(root, key), tensors);
  const MlpShape shape = model.shape();
  model.labels = details.labels(shape.outputs);
  model.featurizer = details.featurizer(shape.inputs);
  model.provenance = details.provenance();
  require_sound(model);
  return model;
}

std::optional<StateValues> read_training_state(std::span<const std::byte> file,
                                               const SharedFile& owner) {
  OpenCheckpoint checkpoint(file, owner);
  const PickleValue* state = root_of(checkpoint.document).find("training_state");
  if (state == nullptr) return std::nullopt;
  const auto* dict = state->as<PickleDict>();
  if (dict == nullptr)
    throw_error("'training_state' of the checkpoint is {}; expected a dict", kind_of(*state));
  StateValues values;
  for (const auto& [key, value] : dict->entries) {
    const auto* name = key->as<std::string_view>();
    if (name == nullptr)
      throw_error("'training_state' of the checkpoint has {} for a key; expected text",
                  kind_of(*key));
    values.insert_or_assign(std::string(*name), state_value(*value, *name, checkpoint.tensors));
  }
  return values;
}

bool holds_training_state(std::span<const std::byte> file) {
  const OpenCheckpoint checkpoint(file, nullptr);
  return root_of(checkpoint.document).find("training_state") != nullptr;
}

}  // namespace nibble
