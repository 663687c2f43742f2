#include "nibble/report/results_json.h"

#include <nlohmann/json.hpp>

#include "nibble/report/variant_summary.h"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

Json storage_json(const StorageBreakdown& storage) {
  return {{"weights", storage.weights},
          {"scales", storage.scales},
          {"biases", storage.biases},
          {"vocabulary", storage.vocabulary},
          {"rest", storage.rest()}};
}

void add_flips(Json& json, const std::optional<Flips>& flips) {
  if (!flips) {
    json["flipped"] = nullptr;
    json["mcnemar_p"] = nullptr;
    return;
  }
  json["flipped"] = flips->rows.size();
  json["mcnemar_p"] = flips->mcnemar_p;
  json["gained"] = flips->gained;
  json["lost"] = flips->lost;
  json["flipped_rows"] = flips->rows;
}

Json variant_json(const ResultRow& row) {
  Json json;
  json["name"] = row.name;
  json["scheme"] = name_of(row.scheme);
  json["file"] = row.file;
  json["accuracy"] = row.accuracy;
  json["accuracy_interval"] = {row.accuracy_interval.low, row.accuracy_interval.high};
  json["bytes"] = row.storage.file;
  json["megabytes"] = row.megabytes();
  json["storage"] = storage_json(row.storage);
  json["latency_ms"] = {
      {"median", row.latency.median_ms}, {"p90", row.latency.p90_ms}, {"p99", row.latency.p99_ms}};
  json["rows_per_second"] = row.rows_per_second;
  json["text_to_label_us"] = row.text_to_label_us ? Json(*row.text_to_label_us) : Json(nullptr);
  add_flips(json, row.flips);
  json["confusion"] = row.confusion;
  return json;
}

Json variants_json(const SeedRun& run) {
  Json json = Json::array();
  for (const ResultRow& row : run.variants) json.push_back(variant_json(row));
  return json;
}

Json part_json(const PartProfile& part) {
  Json labels = Json::array();
  for (const LabelShare& label : part.profile.labels)
    labels.push_back({{"name", label.name}, {"rows", label.rows}, {"per_cent", label.per_cent}});
  return {{"name", part.name},
          {"rows", part.profile.rows},
          {"empty_rows", part.profile.empty_rows},
          {"duplicate_rows", part.profile.duplicate_rows},
          {"labels", std::move(labels)}};
}

Json profile_json(const DataSummary& data) {
  Json files = Json::array();
  for (const DataFile& file : data.files)
    files.push_back({{"path", file.path}, {"sha256", file.sha256}});
  Json parts = Json::array();
  for (const PartProfile& part : data.parts) parts.push_back(part_json(part));
  return {{"files", std::move(files)},
          {"parts", std::move(parts)},
          {"test_rows_in_training", data.test_rows_in_training},
          {"split", data.split},
          {"split_seed", data.split_seed},
          {"features", data.features}};
}

Json machine_json(const StudyResult& result) {
  const MachineInfo& machine = result.machine;
  return {{"cpu", machine.cpu_model},           {"processors", machine.processors},
          {"training_threads", result.threads}, {"cpu_level", machine.cpu_level},
          {"memory", machine.memory},           {"operating_system", machine.operating_system},
          {"compiler", machine.compiler},       {"nibble", machine.nibble_version}};
}

Json history_json(const History& history) {
  Json json = Json::array();
  for (const EpochRecord& record : history)
    json.push_back({{"epoch", record.epoch},
                    {"train_loss", record.train_loss},
                    {"validation_loss", record.validation_loss},
                    {"validation_accuracy", record.validation_accuracy},
                    {"seconds", record.seconds}});
  return json;
}

Json phases_json(const PhaseSeconds& seconds) {
  return {{"data", seconds.data},
          {"training", seconds.training},
          {"quantizing", seconds.quantizing},
          {"measuring", seconds.measuring}};
}

Json seeds_json(const StudyResult& result) {
  Json json = Json::array();
  for (const SeedRun& run : result.runs)
    json.push_back({{"seed", run.seed},
                    {"best_epoch", run.best_epoch},
                    {"validation_accuracy", run.validation_accuracy},
                    {"validation_loss", run.validation_loss},
                    {"train_seconds", run.train_seconds},
                    {"interrupted", run.interrupted},
                    {"variants", variants_json(run)}});
  return json;
}

Json spread_json(const Spread& spread) {
  return {{"mean", spread.mean}, {"standard_deviation", spread.deviation}};
}

Json mean_json(const StudyResult& result) {
  Json variants = Json::array();
  for (const VariantSummary& variant : summarise(result))
    variants.push_back({{"name", variant.name},
                        {"scheme", name_of(variant.scheme)},
                        {"accuracy", spread_json(variant.accuracy)},
                        {"accuracy_minus_original", spread_json(variant.difference)},
                        {"bytes", spread_json(variant.bytes)},
                        {"median_latency_ms", variant.latency_ms},
                        {"median_rows_per_second", variant.rows_per_second}});
  return {{"validation_accuracy", spread_json(validation_accuracy(result))},
          {"variants", std::move(variants)}};
}

}  // namespace

std::string results_json(const StudyResult& result) {
  const SeedRun& run = result.first();
  Json json;
  json["data"] = result.data.name;
  json["seed"] = run.seed;
  json["parameters"] = result.parameters;
  json["train_seconds"] = run.train_seconds;
  json["best_epoch"] = run.best_epoch;
  json["validation_accuracy"] = run.validation_accuracy;
  json["validation_loss"] = run.validation_loss;
  json["interrupted"] = run.interrupted;
  json["machine"] = machine_json(result);
  json["variants"] = variants_json(run);
  json["labels"] = result.label_names;
  json["settings"] = result.settings;
  json["data_profile"] = profile_json(result.data);
  json["phase_seconds"] = phases_json(result.seconds);
  json["history"] = history_json(run.history);
  if (result.runs.size() > 1) {
    json["seeds"] = seeds_json(result);
    json["mean"] = mean_json(result);
  }
  // A path need not be UTF-8; JSON must be.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace nibble
