// nibble train: one network, from a data file to a model file.
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "training_options.h"
#include "verbs.h"

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/core/threads.h"
#include "nibble/formats/model_file.h"
#include "nibble/study/study.h"

namespace nibble::cli {
namespace {

struct TrainOptions {
  DataOptions data;
  std::vector<std::size_t> hidden = StudyOptions().hidden;
  TrainSettings settings;
  std::filesystem::path output;
  std::filesystem::path init;
  std::filesystem::path step_log;
  std::size_t threads = 0;
  bool quiet = false;
};

// "step,loss" for every batch, for comparing two trainings step by step.
class StepLog {
 public:
  explicit StepLog(const std::filesystem::path& path) {
    if (path.empty()) return;
    file_.emplace(path);
    file_->write("step,loss\n");
  }
  void watch(TrainHooks& hooks) {
    if (!file_) return;
    hooks.on_step = [this](std::size_t step, double loss) {
      file_->write(fmt::format("{},{:.9g}\n", step, loss));
    };
  }
  void commit() {
    if (file_) file_->commit();
  }

 private:
  std::optional<AtomicFile> file_;
};

Mlp initial_network(const TrainOptions& options, const MlpShape& shape) {
  if (options.init.empty()) return initialised_mlp(shape, options.settings.seed);
  Model model = load_model(options.init);
  Mlp* network = std::get_if<Mlp>(&model.network);
  if (network == nullptr)
    throw_error("{}: --init got a model stored as {}; expected a float model",
                options.init.string(), name_of(model.scheme()));
  if (network->shape() != shape)
    throw_error("{}: --init got layers of {}; the data and --hidden ask for {}",
                options.init.string(), fmt::join(network->shape().sizes(), "-"),
                fmt::join(shape.sizes(), "-"));
  return std::move(*network);
}

void save(const TrainResult& trained, const PreparedData& data, const TrainOptions& options) {
  save_model(model_from(trained, data, options.data, options.hidden, options.settings),
             options.output);
}

std::string best_sentence(const TrainResult& trained, const std::filesystem::path& output) {
  if (trained.best_epoch == 0)
    return fmt::format("No epoch was finished; {} holds the network as it stood.", output.string());
  const EpochRecord& best = trained.history[trained.best_epoch - 1];
  return fmt::format("{} holds the network of epoch {}: validation accuracy {:.2f} %, loss {:.4f}.",
                     output.string(), trained.best_epoch, best.validation_accuracy,
                     best.validation_loss);
}

// The best network so far is kept even when training fails later.
TrainResult train_or_rescue(Mlp initial, const PreparedData& data, const TrainOptions& options,
                            ThreadPool& pool, const TrainHooks& hooks) {
  try {
    return train(std::move(initial), data.training.labelled(), data.validation.labelled(),
                 options.settings, pool, hooks);
  } catch (const TrainingDiverged& diverged) {
    if (diverged.last_good().best_epoch > 0) {
      save(diverged.last_good(), data, options);
      remark(best_sentence(diverged.last_good(), options.output));
    }
    throw;
  }
}

int run(const TrainOptions& options) {
  check(options.settings);
  require_writable_model(options.output);
  remember_interrupts();
  Progress progress(options.settings.epochs, options.quiet);
  const PreparedData data = prepare_data(options.data);
  Mlp initial = initial_network(options, network_shape(data, options.hidden));
  progress.phase(fmt::format("{} rows to train on, {} to validate, {} features, {} parameters",
                             data.training.examples.rows(), data.validation.examples.rows(),
                             initial.inputs(), initial.parameters()));

  ThreadPool pool(options.threads);
  StepLog step_log(options.step_log);
  TrainHooks hooks = progress.hooks();
  step_log.watch(hooks);
  const TrainResult trained = train_or_rescue(std::move(initial), data, options, pool, hooks);
  step_log.commit();
  save(trained, data, options);
  if (trained.interrupted) remark("Stopped before the last epoch.");
  if (trained.stopped_early && !options.quiet)
    remark(fmt::format("Ended early: {} epochs without a better one.", options.settings.patience));
  if (!options.quiet || trained.interrupted) remark(best_sentence(trained, options.output));
  return trained.interrupted ? kInterrupted : kDone;
}

}  // namespace

Verb add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* verb = program.add_subcommand(
      "train", "Trains a network and stores its best epoch in a model file.");
  add_data_options(*verb, options->data);
  add_output_option(*verb, options->output, "FILE",
                    "The model file: .pt is a PyTorch checkpoint, .safetensors is nibble's own")
      ->required();
  add_network_options(*verb, options->hidden);
  add_training_options(*verb, options->settings);
  verb->add_option("--init", options->init,
                   "Start from the weights of this model instead of drawing them")
      ->type_name("FILE")
      ->group("Training");
  verb->add_option("--step-log", options->step_log, "Write the loss of every step to this file")
      ->type_name("FILE")
      ->group("Training");
  add_threads_option(*verb, options->threads);
  add_quiet_option(*verb, options->quiet);
  verb->footer(
      "Ctrl-C stores the best epoch so far and ends with exit code 130.\n\n"
      "Example:\n"
      "  nibble train sst2 -o checkpoint.pt --epochs 5 --seed 1\n"
      "  nibble train sst2 -o checkpoint.pt --optimizer adamw --weight-decay 0.01");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
