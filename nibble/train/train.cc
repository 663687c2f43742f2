#include "nibble/train/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "nibble/network/reference_forward.h"
#include "nibble/train/trainer.h"
#include "nibble/train/training_loss.h"

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kProgressSeconds = 0.25;  // between two calls of on_progress

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void check_part(const Mlp& network, const LabelledRows& part, const char* name) {
  const std::size_t rows = row_count(part.rows);
  if (rows != part.labels.size())
    throw_error("the {} part has {} rows but {} labels; expected as many of both", name, rows,
                part.labels.size());
  for (std::size_t r = 0; r < rows; ++r) {
    const Label label = part.labels[r];
    if (label < 0 || static_cast<std::size_t>(label) >= network.outputs())
      throw_error(
          "row {} of the {} part has label number {} but the network has {} outputs; "
          "expected a label from 0 to {}",
          r + 1, name, label, network.outputs(), network.outputs() - 1);
  }
}

void check_source(const Mlp& network, const RowSource& part, const char* name) {
  require_columns(part.columns(), network.inputs());
  if (part.rows() == 0) throw_error("the {} part has no rows; expected 1 or more", name);
}

void check_decay(bool sparse, const TrainSettings& s) {
  if (s.optimizer == Optimizer::kAdam && s.weight_decay > 0.0 && sparse)
    throw_error(
        "the setting weight decay is {} with the optimizer adam, whose decay moves every weight's "
        "moments at every step; for sparse rows choose the optimizer adamw or 0",
        s.weight_decay);
}

// One setting for each of what the network has.
void check_counts(const Mlp& network, const TrainSettings& s) {
  const std::size_t hidden = network.layers.size() - 1;
  if (s.dropout.size() != 1 && s.dropout.size() != hidden)
    throw_error(
        "the setting dropout has {} numbers but the network has {} hidden layers; expected "
        "one for all or one for each",
        s.dropout.size(), hidden);
  if (!s.class_weights.empty() && s.class_weights.size() != network.outputs())
    throw_error(
        "the setting class weights has {} numbers but there are {} labels; expected one for "
        "each",
        s.class_weights.size(), network.outputs());
}

std::size_t batches_of(std::size_t rows, const TrainSettings& settings) {
  return (rows + settings.batch - 1) / settings.batch;
}

void check_state(const TrainingState& state, std::size_t rows, const TrainSettings& settings) {
  const std::size_t in_epoch = batches_of(rows, settings);
  const bool fits = state.epochs == state.history.size() && state.best_epoch <= state.epochs &&
                    state.batches <= in_epoch &&
                    state.trainer.steps == state.epochs * in_epoch + state.batches;
  if (!fits)
    throw_error(
        "the stored training state has {} steps after {} epochs and {} batches, {} epochs in its "
        "history and {} as the best; that does not go together with {} batches in an epoch",
        state.trainer.steps, state.epochs, state.batches, state.history.size(), state.best_epoch,
        in_epoch);
}

class Run {
 public:
  Run(Mlp initial, RowSource& training, RowSource& validation, const TrainSettings& settings,
      std::uint32_t steps, ThreadPool& pool, const TrainHooks& hooks)
      : training_(training),
        validation_(validation),
        settings_(settings),
        hooks_(hooks),
        trainer_(initial, training, settings, steps, pool) {
    result_.best = std::move(initial);
  }

  void resume(const TrainingState& state) {
    trainer_.restore(state.trainer);
    result_.history = state.history;
    result_.best_epoch = state.best_epoch;
    step_ = state.trainer.steps;
    batches_ = state.batches;
    loss_sum_ = state.loss_sum;
    if (state.best_epoch == 0) return;
    const EpochRecord& best = state.history.at(state.best_epoch - 1);
    best_ = {best.validation_loss, best.validation_accuracy};
  }

  TrainResult go() {
    result_.stopped_early = out_of_patience();
    const bool done = result_.stopped_early || result_.history.size() >= settings_.epochs;
    if (done) tell_state();  // there was nothing left to do
    while (result_.history.size() < settings_.epochs && !result_.stopped_early) {
      one_epoch(result_.history.size() + 1);
      if (result_.interrupted) break;
      result_.stopped_early = out_of_patience();
      tell_state();
    }
    if (result_.interrupted) finish_interrupted();
    return std::move(result_);
  }

 private:
  // The network as it stands is written by bringing all of it up to date, which the state must not
  // see: a training that goes on would round differently. First-layer rows that wait for their next
  // use are ahead of it by what their momentum still does until then.
  void finish_interrupted() {
    if (result_.best_epoch > 0) return tell_state();
    TrainerState state = trainer_.state();
    std::vector<AlignedVector<float>> copies;
    for (std::span<const float>& numbers : state.numbers)
      numbers = copies.emplace_back(numbers.begin(), numbers.end());
    trainer_.write_to(result_.best);
    tell_state(std::move(state));
  }

  void tell_state() {
    if (hooks_.on_state) tell_state(trainer_.state());
  }

  void tell_state(TrainerState trainer) {
    if (!hooks_.on_state) return;
    hooks_.on_state(result_, {.trainer = std::move(trainer),
                              .epochs = result_.history.size(),
                              .batches = batches_,
                              .loss_sum = loss_sum_,
                              .history = result_.history,
                              .best_epoch = result_.best_epoch});
  }

  // Begins after the batches that a resumed training has done already.
  void one_epoch(std::size_t epoch) {
    const auto start = Clock::now();
    std::size_t skip = batches_;
    rows_done_ = batches_ * settings_.batch;
    training_.begin(epoch);
    while (const std::optional<RowWindow> window = training_.next()) {
      const std::size_t batches = batches_of(window->order.size(), settings_);
      if (skip < batches) one_window(*window, skip, epoch);
      skip -= std::min(skip, batches);
      if (result_.interrupted) return;
    }
    finish_epoch(epoch, loss_sum_ / static_cast<double>(batches_), start);
    batches_ = 0;
    loss_sum_ = 0.0;
  }

  void one_window(const RowWindow& window, std::size_t skip, std::size_t epoch) {
    trainer_.show(window.part);
    std::span<const std::uint32_t> rest = window.order.subspan(skip * settings_.batch);
    trainer_.expect(rest, window.last);
    while (!rest.empty() && !result_.interrupted) {
      result_.interrupted = hooks_.should_stop && hooks_.should_stop();
      const auto batch = rest.first(std::min(settings_.batch, rest.size()));
      rest = rest.subspan(batch.size());
      const auto next = rest.first(std::min(settings_.batch, rest.size()));
      loss_sum_ += one_batch(batch, result_.interrupted ? next.first(0) : next, epoch);
      ++batches_;
      rows_done_ += batch.size();
      report_progress(epoch, loss_sum_ / static_cast<double>(batches_));
    }
  }

  double one_batch(std::span<const std::uint32_t> batch, std::span<const std::uint32_t> next,
                   std::size_t epoch) {
    const double loss = trainer_.step(batch, next);
    if (!std::isfinite(loss)) diverged("the loss", loss, epoch);
    if (hooks_.on_step) hooks_.on_step(step_, loss);
    ++step_;
    return loss;
  }

  [[noreturn]] void diverged(const char* what, double value, std::size_t epoch) {
    throw TrainingDiverged(
        fmt::format("training diverged: {} became {} in epoch {}, step {}; lower the learning rate "
                    "(it is {}) or bring the inputs to a smaller scale",
                    what, value, epoch, step_ + 1, settings_.learning_rate),
        std::move(result_));
  }

  void report_progress(std::size_t epoch, double loss) {
    if (!hooks_.on_progress) return;
    const double now = seconds_since(start_);
    const std::size_t rows = training_.rows();
    if (now - last_report_ < kProgressSeconds && rows_done_ < rows) return;
    last_report_ = now;
    hooks_.on_progress({epoch, rows_done_, rows, loss, now});
  }

  void finish_epoch(std::size_t epoch, double train_loss, Clock::time_point start) {
    const Evaluation now = trainer_.evaluate(validation_);
    if (!std::isfinite(now.loss)) diverged("the validation loss", now.loss, epoch);
    const bool is_best = better(now);
    if (is_best) keep_best(epoch, now);
    result_.history.push_back({epoch, train_loss, now.loss, now.accuracy, seconds_since(start)});
    if (hooks_.on_epoch) hooks_.on_epoch(result_.history.back(), result_.best, is_best);
  }

  bool out_of_patience() const {
    const std::size_t done = result_.history.size();
    return settings_.patience > 0 && done >= result_.best_epoch + settings_.patience;
  }

  bool better(const Evaluation& now) const {
    if (result_.best_epoch == 0 || now.accuracy > best_.accuracy) return true;
    return now.accuracy == best_.accuracy && now.loss < best_.loss;
  }

  void keep_best(std::size_t epoch, const Evaluation& now) {
    best_ = now;
    result_.best_epoch = epoch;
    trainer_.write_to(result_.best);
  }

  RowSource& training_;
  RowSource& validation_;
  const TrainSettings& settings_;
  const TrainHooks& hooks_;
  Trainer trainer_;
  TrainResult result_;
  Evaluation best_;
  std::size_t step_ = 0;
  std::size_t batches_ = 0;    // done in the epoch under way
  std::size_t rows_done_ = 0;  // in those
  double loss_sum_ = 0.0;      // over those
  Clock::time_point start_ = Clock::now();
  double last_report_ = 0.0;
};

std::uint32_t total_steps(std::size_t rows, const TrainSettings& settings) {
  const std::size_t batches = batches_of(rows, settings);
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max() - 1;
  if (settings.epochs > kMost / batches)
    throw_error(
        "{} epochs of {} batches are more steps than training can count ({}); lower epochs "
        "or raise batch",
        settings.epochs, batches, kMost);
  return static_cast<std::uint32_t>(settings.epochs * batches);
}

// Balanced weights, if asked for, made into numbers.
TrainSettings with_class_weights(const TrainSettings& given, const RowSource& training,
                                 std::size_t labels) {
  TrainSettings settings = given;
  if (given.balanced_classes)
    settings.class_weights = balanced_weights(training.label_counts(labels));
  settings.balanced_classes = false;
  return settings;
}

}  // namespace

TrainResult train(Mlp initial, RowSource& training, RowSource& validation,
                  const TrainSettings& given, ThreadPool& pool, const TrainHooks& hooks,
                  const TrainingState* resumed) {
  check(given);
  check_source(initial, training, "training");
  check_source(initial, validation, "validation");
  if (training.sparse() != validation.sparse())
    throw_error(
        "the training and validation parts differ in kind (sparse and dense rows); expected "
        "both alike");
  check_decay(training.sparse(), given);
  check_counts(initial, given);
  if (given.epochs == 0) {
    TrainResult untouched;
    untouched.best = std::move(initial);
    return untouched;
  }
  const TrainSettings settings = with_class_weights(given, training, initial.outputs());
  const std::uint32_t steps = total_steps(training.rows(), settings);
  Run run(std::move(initial), training, validation, settings, steps, pool, hooks);
  if (resumed != nullptr) {
    check_state(*resumed, training.rows(), settings);
    run.resume(*resumed);
  }
  return run.go();
}

TrainResult train(Mlp initial, const LabelledRows& training, const LabelledRows& validation,
                  const TrainSettings& settings, ThreadPool& pool, const TrainHooks& hooks,
                  const TrainingState* resumed) {
  check_part(initial, training, "training");
  check_part(initial, validation, "validation");
  MemoryRows training_rows(training, settings.shuffle, settings.seed);
  MemoryRows validation_rows(validation, false, settings.seed);
  return train(std::move(initial), training_rows, validation_rows, settings, pool, hooks, resumed);
}

TrainingDiverged::TrainingDiverged(const std::string& sentence, TrainResult so_far)
    : Error(sentence), last_good_(std::make_shared<const TrainResult>(std::move(so_far))) {}

}  // namespace nibble
