#include "training_options.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "options.h"

#include "nibble/core/error.h"

namespace nibble::cli {
namespace {

constexpr const char* kData = "Data";
constexpr const char* kNetwork = "Network";
constexpr const char* kTraining = "Training";

CLI::Validator on_or_off() {
  return CLI::Validator(
      [](const std::string& text) {
        return text == "on" || text == "off" ? ""
                                             : fmt::format("expected on or off, got '{}'", text);
      },
      "");
}

void add_optimizer_options(CLI::App& verb, TrainSettings& settings) {
  const auto add = [&verb](const char* name, auto& value, const char* description) {
    add_number(verb, name, value, description)->group(kTraining);
  };
  verb.add_option_function<std::string>(
          "--optimizer",
          [&settings](const std::string& name) { settings.optimizer = optimizer_named(name); },
          "What moves the weights, with PyTorch's meaning: torch.optim.Adam, AdamW or SGD")
      ->type_name(
          one_of({name_of(Optimizer::kAdam), name_of(Optimizer::kAdamW), name_of(Optimizer::kSgd)}))
      ->default_str(std::string(name_of(settings.optimizer)))
      ->group(kTraining);
  add("--learning-rate", settings.learning_rate, "Size of the optimizer's steps");
  add("--weight-decay", settings.weight_decay,
      "Pulls weights towards 0. adamw takes it from the weights, sgd and adam add it to the "
      "gradient; adam only for rows of numbers: for text choose adamw");
  add("--momentum", settings.momentum, "Share of its last step that sgd takes again");
  add("--beta1", settings.beta1, "Adam's memory of gradients");
  add("--beta2", settings.beta2, "Adam's memory of their squares");
  add("--epsilon", settings.epsilon, "Added to the root that Adam divides by");
}

void add_schedule_options(CLI::App& verb, TrainSettings& settings) {
  verb.add_option_function<std::string>(
          "--schedule",
          [&settings](const std::string& name) { settings.schedule = schedule_named(name); },
          "How the learning rate goes on after the warm-up: stays, or falls to 0 at the last step")
      ->type_name(one_of({name_of(ScheduleKind::kConstant), name_of(ScheduleKind::kCosine),
                          name_of(ScheduleKind::kLinear)}))
      ->default_str(std::string(name_of(settings.schedule)))
      ->group(kTraining);
  add_number(verb, "--warmup", settings.warmup,
             "Steps in which the learning rate rises from 0; below 1 a share of all steps")
      ->group(kTraining);
}

// "0.1,0.25" -> {0.1, 0.25}.
std::vector<double> parse_numbers(const std::string& option, std::string_view text) {
  std::vector<double> numbers;
  for (const std::string_view piece : between_commas(text)) {
    const auto [end, code] =
        std::from_chars(piece.data(), piece.data() + piece.size(), numbers.emplace_back());
    if (code != std::errc() || end != piece.data() + piece.size())
      throw_error("{} got '{}'; expected numbers such as 0.1,0.25", option, piece);
  }
  return numbers;
}

void add_loss_options(CLI::App& verb, TrainSettings& settings) {
  const auto add = [&verb](const char* name, auto& value, const char* description) {
    add_number(verb, name, value, description)->group(kTraining);
  };
  add("--clip-norm", settings.clip_norm,
      "Scales a step's gradients down to this norm of all of them; 0 never does");
  add("--label-smoothing", settings.label_smoothing,
      "Share of each target that is spread over all labels");
  verb.add_option_function<std::string>(
          "--class-weights",
          [&settings](const std::string& text) {
            settings.balanced_classes = text == "balanced";
            settings.class_weights = settings.balanced_classes
                                         ? std::vector<double>()
                                         : parse_numbers("--class-weights", text);
          },
          "What a row counts in the loss, by its label: a number for each label in order (1,2.5), "
          "or balanced: the rarer, the more")
      ->type_name("WEIGHTS")
      ->group(kTraining);
  verb.add_option_function<std::string>(
          "--dropout",
          [&settings](const std::string& text) {
            settings.dropout = parse_numbers("--dropout", text);
          },
          "Share of hidden values set to zero while training; one number, or one for each hidden "
          "layer (0.1,0.2)")
      ->type_name("SHARES")
      ->default_str(fmt::format("{}", fmt::join(settings.dropout, ",")))
      ->group(kTraining);
  add("--patience", settings.patience,
      "Ends training after so many epochs without a better one; 0 never does");
}

}  // namespace

void add_data_options(CLI::App& verb, DataOptions& options) {
  verb.add_option("DATA", options.data,
                  "A data set's name (nibble data list), a folder with train.* and test.*, or one "
                  "file: a sentence, "
                  "TAB, label in each row; numbers with commas, label last (.csv); or IDX")
      ->required()
      ->type_name("");
  verb.add_option("--test", options.test_file,
                  "Test rows from this file instead of those DATA brings")
      ->type_name("FILE")
      ->group(kData);
  verb.add_option("--validation", options.validation_file,
                  "Validation rows from this file instead of a fifth of the training rows")
      ->type_name("FILE")
      ->group(kData);
  verb.add_option_function<std::string>(
          "--split",
          [&options](const std::string& name) { options.split = split_kind_named(name); },
          "How that fifth is drawn: as scikit-learn's train_test_split does, keeping each label's "
          "share, or each row by itself from its number")
      ->type_name(one_of({name_of(SplitKind::kSklearn), name_of(SplitKind::kStratified),
                          name_of(SplitKind::kHashed)}))
      ->default_str(std::string(name_of(options.effective_split())))
      ->group(kData);
  add_number(verb, "--split-seed", options.split_seed,
             "Draws the split (scikit-learn's random_state)")
      ->group(kData);
  add_number(verb, "--max-features", options.max_features,
             "Keep this many of the most frequent words; 0 keeps all")
      ->group(kData);
}

void add_hash_option(CLI::App& verb, DataOptions& options) {
  add_number(verb, "--hash-vocabulary", options.hash_vocabulary,
             "Keep no list of words: hash them into so many buckets, as scikit-learn's "
             "HashingVectorizer does without signs; 0 keeps words")
      ->group(kData);
}

void add_stream_options(CLI::App& verb, DataOptions& options) {
  verb.add_flag("--stream", options.stream,
                "Read DATA in shards, again each epoch, instead of holding it: for files larger "
                "than memory. The split is then hashed")
      ->group(kData);
  add_number(verb, "--shuffle-buffer", options.shuffle_buffer,
             "Rows from all over the file that are shuffled together when streaming")
      ->group(kData);
}

void add_network_options(CLI::App& verb, std::vector<std::size_t>& hidden) {
  add_sizes_option(verb, "--hidden", hidden,
                   "Sizes of the hidden layers, first to last; none for a linear model")
      ->group(kNetwork);
}

void add_training_options(CLI::App& verb, TrainSettings& settings) {
  const auto add = [&verb](const char* name, auto& value, const char* description) {
    add_number(verb, name, value, description)->group(kTraining);
  };
  add("--epochs", settings.epochs,
      "How often training goes through all rows; 0 keeps the weights it starts from");
  add("--batch", settings.batch, "Rows in one step");
  add_optimizer_options(verb, settings);
  add_schedule_options(verb, settings);
  add_loss_options(verb, settings);
  add("--seed", settings.seed, "Draws initial weights, the order of rows, and dropout");
  verb.add_option("--shuffle", settings.shuffle, "A new order of rows in each epoch")
      ->check(on_or_off())
      ->type_name(one_of({"on", "off"}))
      ->default_str(settings.shuffle ? "on" : "off")
      ->group(kTraining);
}

}  // namespace nibble::cli
