#include "nibble/study/study.h"

#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/core/threads.h"
#include "nibble/formats/model_file.h"
#include "nibble/measure/machine.h"
#include "nibble/report/curves.h"
#include "nibble/report/history_csv.h"
#include "nibble/report/page.h"
#include "nibble/report/results_json.h"
#include "nibble/report/table.h"
#include "nibble/study/describe.h"
#include "nibble/study/variants.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

// Seconds since the last call, added to one of the phases.
class PhaseClock {
 public:
  void add_to(double& phase) {
    const auto now = Clock::now();
    phase += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

// What all seeds share while a study runs.
struct Workshop {
  const StudyOptions& options;
  const StudyHooks& hooks;
  const PreparedData& data;
  const DataFacts facts;  // of data
  ThreadPool pool;
  PhaseClock clock;
  StudyResult result;

  void say(const std::string& sentence) const {
    if (hooks.on_phase) hooks.on_phase(sentence);
  }
};

void check(const StudyOptions& options) {
  check(options.training);
  if (options.seeds == 0) throw_error("--seeds is 0; a study needs at least one seed");
}

PreparedData data_with_test(const DataOptions& options) {
  PreparedData data = prepare_data(options);
  if (!data.test) {
    throw_error(
        "'{}' brings no test set; give one with --test FILE, the table's accuracy is of test rows",
        options.data);
  }
  return data;
}

void store_training(const Model& model, const SeedRun& run, const fs::path& folder) {
  make_folder(folder);
  save_model(model, folder / "checkpoint.pt");
  write_file_atomically(folder / "history.csv", history_csv(run.history));
}

void keep_figures(const TrainResult& trained, SeedRun& run) {
  run.history = trained.history;
  run.best_epoch = trained.best_epoch;
  run.interrupted = trained.interrupted;
  if (trained.best_epoch == 0) return;
  const EpochRecord& best = trained.history[trained.best_epoch - 1];
  run.validation_accuracy = best.validation_accuracy;
  run.validation_loss = best.validation_loss;
}

// A training that diverges still leaves its best checkpoint, if there is one.
TrainResult train_or_rescue(Workshop& shop, const TrainSettings& settings, const fs::path& folder) {
  const MlpShape shape = network_shape(shop.facts, shop.options.hidden);
  try {
    return train(initialised_mlp(shape, settings.seed), shop.data.training.labelled(),
                 shop.data.validation.labelled(), settings, shop.pool, shop.hooks.training);
  } catch (const TrainingDiverged& diverged) {
    const TrainResult& good = diverged.last_good();
    if (good.best_epoch > 0) {
      SeedRun run;
      keep_figures(good, run);
      store_training(model_from(good, shop.facts, shop.options.data, shop.options.hidden, settings),
                     run, folder);
    }
    throw;
  }
}

fs::path seed_folder(const StudyOptions& options, std::size_t index) {
  if (index == 0) return options.output;
  return options.output / "seeds" / std::to_string(options.training.seed + index);
}

void run_seed(Workshop& shop, std::size_t index) {
  const fs::path folder = seed_folder(shop.options, index);
  TrainSettings settings = shop.options.training;
  settings.seed += static_cast<std::uint32_t>(index);
  SeedRun run;
  run.seed = settings.seed;

  shop.say(fmt::format("Training, seed {}: {} epochs of {} rows", run.seed, settings.epochs,
                       shop.data.training.examples.rows()));
  const TrainResult trained = train_or_rescue(shop, settings, folder);
  keep_figures(trained, run);
  const Model original =
      model_from(trained, shop.facts, shop.options.data, shop.options.hidden, settings);
  store_training(original, run, folder);
  const double before = shop.result.seconds.training;
  shop.clock.add_to(shop.result.seconds.training);
  run.train_seconds = shop.result.seconds.training - before;

  shop.say("Storing the network in every precision");
  const auto stored = store_variants(original, folder / "models", shop.options.schemes);
  shop.clock.add_to(shop.result.seconds.quantizing);
  shop.say("Measuring what was stored");
  run.variants = measure_stored(stored, *shop.data.test, shop.options.output);
  shop.clock.add_to(shop.result.seconds.measuring);
  if (index == 0) shop.result.layers = describe_layers(original.shape(), stored);
  shop.result.runs.push_back(std::move(run));
}

void describe(Workshop& shop) {
  StudyResult& result = shop.result;
  const StudyOptions& options = shop.options;
  result.data = describe_data(shop.data, options.data);
  result.label_names = shop.data.label_names;
  result.settings = describe_settings(options.data, options.hidden, options.training);
  result.parameters = network_shape(shop.facts, options.hidden).parameters();
  result.machine = describe_machine();
  result.threads = shop.pool.threads();
}

void write_reports(const StudyResult& result, const fs::path& folder) {
  write_file_atomically(folder / "table.md", table_markdown(result));
  write_file_atomically(folder / "table.csv", table_csv(result));
  write_file_atomically(folder / "results.json", results_json(result));
  write_file_atomically(folder / "report.html", report_page(result));
  // Last: it alone needs another program (gnuplot), and its absence must not cost the others.
  write_curves(result.first().history, result.first().best_epoch, folder);
}

}  // namespace

StudyResult run_study(const StudyOptions& options, const StudyHooks& hooks) {
  check(options);
  PhaseClock clock;
  const PreparedData data = data_with_test(options.data);
  make_folder(options.output);
  Workshop shop{options, hooks, data, data.facts(), ThreadPool(options.threads), clock, {}};
  describe(shop);
  shop.clock.add_to(shop.result.seconds.data);
  shop.say(
      fmt::format("{}: {} rows to train on, {} to validate, {} to test; {} features, {} parameters",
                  data.name, data.training.examples.rows(), data.validation.examples.rows(),
                  data.test->examples.rows(), shop.result.data.features, shop.result.parameters));
  for (std::size_t index = 0; index < options.seeds; ++index) {
    run_seed(shop, index);
    if (shop.result.runs.back().interrupted) break;
  }
  shop.result.flipped_rows = flipped_rows(data.test->examples, shop.result.first().variants);
  write_reports(shop.result, options.output);
  return std::move(shop.result);
}

MlpShape network_shape(const DataFacts& data, const std::vector<std::size_t>& hidden) {
  return {column_count(data.featurizer), hidden, data.label_names.size()};
}

Model model_from(const TrainResult& trained, const DataFacts& data, const DataOptions& options,
                 const std::vector<std::size_t>& hidden, const TrainSettings& settings) {
  Model model{.featurizer = data.featurizer,
              .labels = data.label_names,
              .network = trained.best,
              .provenance = {.settings = describe_settings(options, hidden, settings),
                             .epoch = trained.best_epoch}};
  for (const auto& [name, part] : {std::pair("training_sha256", &data.training),
                                   std::pair("validation_sha256", &data.validation)}) {
    if (!part->sha256.empty()) model.provenance.settings[name] = part->sha256;
  }
  if (trained.best_epoch == 0) return model;
  const EpochRecord& best = trained.history[trained.best_epoch - 1];
  model.provenance.validation_accuracy = best.validation_accuracy;
  model.provenance.validation_loss = best.validation_loss;
  return model;
}

}  // namespace nibble
