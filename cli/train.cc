// nibble train: one network, from a data file to a model file.
#include <chrono>
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
#include "nibble/study/describe.h"
#include "nibble/study/resume.h"
#include "nibble/study/streamed_data.h"
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
  std::filesystem::path resume;
  std::string checkpoint_every = "auto";
  bool keep_state = false;
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
  Model model = with_wide_weights(load_model(options.init));
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

Model best_model(const TrainResult& trained, const DataFacts& data, const TrainOptions& options) {
  return model_from(trained, data, options.data, options.hidden, options.settings);
}

void save(const TrainResult& trained, const DataFacts& data, const TrainOptions& options) {
  save_model(best_model(trained, data, options), options.output);
}

// Stores the training's state beside the best network: now and then while training runs, when it is
// stopped, and at its end if it is to be kept.
class Checkpoints {
 public:
  Checkpoints(const TrainOptions& options, const DataFacts& data)
      : options_(options), data_(data) {}

  void watch(TrainHooks& hooks) {
    if (!is_checkpoint_name(options_.output)) return;
    hooks.on_state = [this](const TrainResult& so_far, const TrainingState& state) {
      stored_ = wanted(so_far);
      if (!stored_) return;
      const auto start = Clock::now();
      save_training(best_model(so_far, data_, options_), state, data_, options_.output);
      last_ = Clock::now();
      apart_ = std::max<Clock::duration>(kApart, kTrainingPerWriting * (last_ - start));
    };
  }
  // The file is that of the result already.
  bool stored() const { return stored_; }

 private:
  using Clock = std::chrono::steady_clock;
  // Writing and flushing the reference network's 85 MB takes 0.1 to 0.3 s: 3 % of training at most.
  static constexpr auto kApart = std::chrono::seconds(10);
  // A network of 1 M words has 8 GB of state, which takes as long to write as an epoch of 1 M rows
  // to train: there, too, most of the time belongs to training.
  static constexpr int kTrainingPerWriting = 10;

  bool wanted(const TrainResult& so_far) const {
    const std::size_t done = so_far.history.size();
    if (so_far.interrupted) return true;
    if (so_far.stopped_early || done == options_.settings.epochs) return options_.keep_state;
    if (options_.checkpoint_every == "auto") return Clock::now() - last_ >= apart_;
    return done % std::stoul(options_.checkpoint_every) == 0;
  }

  const TrainOptions& options_;
  const DataFacts& data_;
  Clock::time_point last_ = Clock::now();
  Clock::duration apart_ = kApart;
  bool stored_ = false;
};

std::string best_sentence(const TrainResult& trained, const std::filesystem::path& output) {
  if (trained.best_epoch == 0)
    return fmt::format("No epoch was finished; {} holds the network as it stood.", output.string());
  const EpochRecord& best = trained.history[trained.best_epoch - 1];
  return fmt::format("{} holds the network of epoch {}: validation accuracy {:.2f} %, loss {:.4f}.",
                     output.string(), trained.best_epoch, best.validation_accuracy,
                     best.validation_loss);
}

// Data in memory or streamed.
class Data {
 public:
  Data(const DataOptions& options, const TrainSettings& settings) {
    if (options.stream) {
      streamed_.emplace(options);
      training_ = streamed_->training(settings);
      validation_ = streamed_->validation();
      return;
    }
    held_ = prepare_data(options);
    held_facts_ = held_->facts();
    training_ =
        std::make_unique<MemoryRows>(held_->training.labelled(), settings.shuffle, settings.seed);
    validation_ = std::make_unique<MemoryRows>(held_->validation.labelled(), false, settings.seed);
  }

  const DataFacts& facts() const { return streamed_ ? streamed_->facts() : held_facts_; }
  RowSource& training() { return *training_; }
  RowSource& validation() { return *validation_; }

 private:
  std::optional<PreparedData> held_;
  DataFacts held_facts_;
  std::optional<StreamedData> streamed_;
  std::unique_ptr<RowSource> training_;
  std::unique_ptr<RowSource> validation_;
};

// The best network so far is kept even when training fails later.
TrainResult train_or_rescue(Mlp initial, Data& data, const TrainOptions& options, ThreadPool& pool,
                            const TrainHooks& hooks, const TrainingState* resumed) {
  try {
    return train(std::move(initial), data.training(), data.validation(), options.settings, pool,
                 hooks, resumed);
  } catch (const TrainingDiverged& diverged) {
    if (diverged.last_good().best_epoch > 0) {
      save(diverged.last_good(), data.facts(), options);
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
  Data data(options.data, options.settings);
  const DataFacts& facts = data.facts();
  std::optional<ResumedTraining> resumed;
  if (!options.resume.empty())
    resumed.emplace(options.resume, facts,
                    describe_settings(options.data, options.hidden, options.settings));
  Mlp initial = resumed ? resumed->take_best()
                        : initial_network(options, network_shape(facts, options.hidden));
  progress.phase(fmt::format("{} rows to train on, {} to validate, {} features, {} parameters",
                             facts.training.rows, facts.validation.rows, initial.inputs(),
                             initial.parameters()));

  ThreadPool pool(options.threads);
  StepLog step_log(options.step_log);
  TrainHooks hooks = progress.hooks();
  step_log.watch(hooks);
  Checkpoints checkpoints(options, facts);
  checkpoints.watch(hooks);
  const TrainResult trained = train_or_rescue(std::move(initial), data, options, pool, hooks,
                                              resumed ? &resumed->state() : nullptr);
  step_log.commit();
  if (!checkpoints.stored()) save(trained, facts, options);
  if (trained.interrupted)
    remark(checkpoints.stored()
               ? fmt::format("Stopped before the last epoch; the same command with --resume {} "
                             "goes on.",
                             options.output.string())
               : "Stopped before the last epoch.");
  if (trained.stopped_early && !options.quiet)
    remark(fmt::format("Ended early: {} epochs without a better one.", options.settings.patience));
  if (!options.quiet || trained.interrupted) remark(best_sentence(trained, options.output));
  return trained.interrupted ? kInterrupted : kDone;
}

std::string whole_or_auto(const std::string& text) {
  if (text == "auto") return "";
  std::string problem = number_check<std::size_t>()(text);  // empty when it is a number
  if (!problem.empty()) return problem;
  return std::stoul(text) == 0 ? "expected auto or a number of 1 or more, got '0'" : "";
}

void add_checkpoint_options(CLI::App& verb, TrainOptions& options) {
  verb.add_option("--resume", options.resume,
                  "Go on with the training that this checkpoint stores; data and settings must be "
                  "the same. The result is that of a training that never stopped")
      ->type_name("FILE")
      ->group("Training")
      ->excludes("--init");
  verb.add_option(
          "--checkpoint-every", options.checkpoint_every,
          "Epochs between two checkpoints with the training's state, if -o is a .pt file; "
          "auto: after an epoch that ends 10 s or more after the last, and ten times as long as "
          "that took to write")
      ->type_name("N|auto")
      ->check(CLI::Validator(whole_or_auto, ""))
      ->capture_default_str()
      ->group("Training");
  verb.add_flag("--keep-state", options.keep_state,
                "Leave the state in the file when training ends, to go on with more epochs later: "
                "some four times the size")
      ->group("Training");
}

}  // namespace

Verb add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* verb = program.add_subcommand(
      "train", "Trains a network and stores its best epoch in a model file.");
  add_data_options(*verb, options->data);
  add_hash_option(*verb, options->data);
  add_stream_options(*verb, options->data);
  add_output_option(*verb, options->output, "FILE",
                    "The model file: .pt is a PyTorch checkpoint, .safetensors is nibble's own")
      ->required();
  add_network_options(*verb, options->hidden);
  add_training_options(*verb, options->settings);
  verb->add_option("--init", options->init,
                   "Start from the weights of this model instead of drawing them")
      ->type_name("FILE")
      ->group("Training");
  add_checkpoint_options(*verb, *options);
  verb->add_option("--step-log", options->step_log, "Write the loss of every step to this file")
      ->type_name("FILE")
      ->group("Training");
  add_threads_option(*verb, options->threads);
  add_quiet_option(*verb, options->quiet);
  verb->footer(
      "Ctrl-C stores the best epoch so far and ends with exit code 130; a .pt file also keeps what "
      "--resume needs.\n\n"
      "Example:\n"
      "  nibble train sst2 -o checkpoint.pt --epochs 5 --seed 1\n"
      "  nibble train sst2 -o checkpoint.pt --optimizer adamw --weight-decay 0.01\n"
      "  nibble train sst2 -o checkpoint.pt --resume checkpoint.pt\n"
      "  nibble train large.tsv --stream -o checkpoint.pt");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
