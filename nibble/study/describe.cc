#include "nibble/study/describe.h"

#include <utility>

#include <fmt/format.h>

namespace nibble {
namespace {

// A Linear layer is followed by ReLU and Dropout in checkpoint.pt's nn.Sequential: 0, 3, 6, ...
constexpr std::size_t kModulesPerLayer = 3;

std::size_t layer_bytes(const Linear& layer) { return layer.parameters() * sizeof(float); }

std::size_t layer_bytes(const QuantizedLinear& layer) {
  const EncodedBytes bytes = stored_bytes(layer.weight);
  return bytes.codes + bytes.scales + layer.bias.size() * sizeof(float);
}

// Two factors count as the layer that they stand for.
std::size_t layer_bytes(const Model& model, std::size_t layer) {
  return std::visit(
      [layer](const auto& network) {
        std::size_t bytes = 0;
        std::size_t index = 0;
        for (const auto& stored : network.layers) {
          if (index == layer) bytes += layer_bytes(stored);
          if (!is_factor(stored)) ++index;
        }
        return bytes;
      },
      model.network);
}

void add_file(std::vector<DataFile>& files, const Examples& examples) {
  if (examples.sha256.empty()) return;
  for (const DataFile& file : files) {
    if (file.sha256 == examples.sha256 && file.path == examples.source) return;
  }
  files.push_back({examples.source, examples.sha256});
}

// Settings that are named only where they are not the defaults.
void add_where_changed(const TrainSettings& training,
                       std::map<std::string, std::string>& settings) {
  const TrainSettings usual;
  const auto add = [&](const char* name, double TrainSettings::*setting) {
    if (training.*setting != usual.*setting) settings[name] = fmt::format("{}", training.*setting);
  };
  add("beta1", &TrainSettings::beta1);
  add("beta2", &TrainSettings::beta2);
  add("epsilon", &TrainSettings::epsilon);
  add("momentum", &TrainSettings::momentum);
  add("weight_decay", &TrainSettings::weight_decay);
  add("warmup", &TrainSettings::warmup);
  add("clip_norm", &TrainSettings::clip_norm);
  add("label_smoothing", &TrainSettings::label_smoothing);
  if (training.balanced_classes) settings["class_weights"] = "balanced";
  if (!training.class_weights.empty())
    settings["class_weights"] = fmt::format("{}", fmt::join(training.class_weights, ","));
  if (training.patience > 0) settings["patience"] = fmt::format("{}", training.patience);
  if (training.schedule != usual.schedule) settings["schedule"] = name_of(training.schedule);
}

}  // namespace

DataSummary describe_data(const PreparedData& data, const DataOptions& options) {
  DataSummary summary;
  summary.name = data.name;
  summary.split =
      options.validation_file.empty() ? std::string(name_of(options.effective_split())) : "file";
  summary.split_seed = options.split_seed;
  summary.is_text = data.training.examples.is_text();
  summary.features = column_count(data.featurizer);
  summary.parts = {{"training", profile(data.training.examples)},
                   {"validation", profile(data.validation.examples)}};
  add_file(summary.files, data.training.examples);
  add_file(summary.files, data.validation.examples);
  if (!data.test) return summary;
  summary.parts.push_back({"test", profile(data.test->examples)});
  add_file(summary.files, data.test->examples);
  summary.test_rows_in_training = rows_in_common(data.test->examples, data.training.examples);
  return summary;
}

std::vector<LayerLine> describe_layers(const MlpShape& shape,
                                       const std::vector<StoredVariant>& variants) {
  const auto sizes = shape.sizes();
  std::vector<LayerLine> lines;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    LayerLine line{.name = std::to_string(i * kModulesPerLayer),
                   .inputs = sizes[i],
                   .outputs = sizes[i + 1],
                   .parameters = sizes[i] * sizes[i + 1] + sizes[i + 1],
                   .multiply_adds = sizes[i] * sizes[i + 1],
                   .bytes = {}};
    for (const StoredVariant& variant : variants)
      line.bytes.push_back(layer_bytes(variant.model, i));
    lines.push_back(std::move(line));
  }
  return lines;
}

std::map<std::string, std::string> describe_settings(const DataOptions& data,
                                                     const std::vector<std::size_t>& hidden,
                                                     const TrainSettings& training) {
  std::map<std::string, std::string> settings = {
      {"data", data.data},
      {"hidden", fmt::format("{}", fmt::join(hidden, ","))},
      {"epochs", fmt::format("{}", training.epochs)},
      {"batch", fmt::format("{}", training.batch)},
      {"learning_rate", fmt::format("{}", training.learning_rate)},
      {"dropout", fmt::format("{}", fmt::join(training.dropout, ","))},
      {"seed", fmt::format("{}", training.seed)},
      {"shuffle", training.shuffle ? "on" : "off"},
      {"max_features", fmt::format("{}", data.max_features)},
      {"optimizer", std::string(name_of(training.optimizer))}};
  add_where_changed(training, settings);
  if (data.hash_vocabulary > 0) {
    settings.erase("max_features");
    settings["hash_vocabulary"] = fmt::format("{}", data.hash_vocabulary);
  }
  if (data.stream) settings["shuffle_buffer"] = fmt::format("{}", data.shuffle_buffer);
  if (!data.validation_file.empty()) {
    settings["validation"] = data.validation_file;
  } else {
    settings["split"] = name_of(data.effective_split());
    settings["split_seed"] = fmt::format("{}", data.split_seed);
    settings["validation_fraction"] = fmt::format("{}", data.validation_fraction);
  }
  return settings;
}

}  // namespace nibble
