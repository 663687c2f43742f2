#include "nibble/train/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "nibble/core/random.h"
#include "nibble/network/reference_forward.h"
#include "nibble/train/trainer.h"

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kProgressSeconds = 0.25;  // between two calls of on_progress

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void check_part(const Mlp& network, const LabelledRows& part, const char* name) {
  require_columns(column_count(part.rows), network.inputs());
  const std::size_t rows = row_count(part.rows);
  if (rows != part.labels.size())
    throw_error("the {} part has {} rows but {} labels; expected as many of both", name, rows,
                part.labels.size());
  if (rows == 0) throw_error("the {} part has no rows; expected 1 or more", name);
  for (std::size_t r = 0; r < rows; ++r) {
    const Label label = part.labels[r];
    if (label < 0 || static_cast<std::size_t>(label) >= network.outputs())
      throw_error(
          "row {} of the {} part has label number {} but the network has {} outputs; "
          "expected a label from 0 to {}",
          r + 1, name, label, network.outputs(), network.outputs() - 1);
  }
}

void check_decay(const RowsView& rows, const TrainSettings& s) {
  if (s.optimizer == Optimizer::kAdam && s.weight_decay > 0.0 &&
      std::holds_alternative<SparseRowsView>(rows))
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

void check_state(const TrainingState& state, std::size_t rows, const TrainSettings& settings) {
  const std::size_t in_epoch = (rows + settings.batch - 1) / settings.batch;
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
  Run(Mlp initial, const LabelledRows& training, const LabelledRows& validation,
      const TrainSettings& settings, std::uint32_t steps, ThreadPool& pool, const TrainHooks& hooks)
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
    if (done) tell_state(trainer_.state());  // there was nothing left to do
    while (result_.history.size() < settings_.epochs && !result_.stopped_early) {
      one_epoch(result_.history.size() + 1);
      if (result_.interrupted) break;
      result_.stopped_early = out_of_patience();
      tell_state(trainer_.state());
    }
    if (result_.interrupted) finish_interrupted();
    return std::move(result_);
  }

 private:
  // The network as it stands is written by bringing all of it up to date, which the state must not
  // see: a training that goes on would round differently.
  void finish_interrupted() {
    if (result_.best_epoch > 0) return tell_state(trainer_.state());
    TrainerState state = trainer_.state();
    std::vector<AlignedVector<float>> copies;
    for (std::span<const float>& numbers : state.numbers)
      numbers = copies.emplace_back(numbers.begin(), numbers.end());
    trainer_.write_to(result_.best);
    tell_state(std::move(state));
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
    const std::vector<std::uint32_t> order = row_order(epoch);
    for (std::size_t first = batches_ * settings_.batch; first < order.size();
         first += settings_.batch) {
      result_.interrupted = hooks_.should_stop && hooks_.should_stop();
      const std::size_t count = std::min(settings_.batch, order.size() - first);
      std::span<const std::uint32_t> rest(order.data() + first + count,
                                          order.size() - first - count);
      if (result_.interrupted) rest = {};
      loss_sum_ += one_batch({order.data() + first, count},
                             rest.first(std::min(settings_.batch, rest.size())), epoch);
      ++batches_;
      report_progress(epoch, first + count, loss_sum_ / static_cast<double>(batches_));
      if (result_.interrupted) return;
    }
    finish_epoch(epoch, loss_sum_ / static_cast<double>(batches_), start);
    batches_ = 0;
    loss_sum_ = 0.0;
  }

  std::vector<std::uint32_t> row_order(std::size_t epoch) const {
    const std::size_t rows = training_.labels.size();
    if (settings_.shuffle) return shuffled_order(rows, settings_.seed, epoch);
    std::vector<std::uint32_t> order(rows);
    std::iota(order.begin(), order.end(), 0U);
    return order;
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

  void report_progress(std::size_t epoch, std::size_t rows_done, double loss) {
    if (!hooks_.on_progress) return;
    const double now = seconds_since(start_);
    const std::size_t rows = training_.labels.size();
    if (now - last_report_ < kProgressSeconds && rows_done < rows) return;
    last_report_ = now;
    hooks_.on_progress({epoch, rows_done, rows, loss, now});
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

  const LabelledRows& training_;
  const LabelledRows& validation_;
  const TrainSettings& settings_;
  const TrainHooks& hooks_;
  Trainer trainer_;
  TrainResult result_;
  Evaluation best_;
  std::size_t step_ = 0;
  std::size_t batches_ = 0;  // done in the epoch under way
  double loss_sum_ = 0.0;    // over those
  Clock::time_point start_ = Clock::now();
  double last_report_ = 0.0;
};

std::uint32_t total_steps(std::size_t rows, const TrainSettings& settings) {
  const std::size_t batches = (rows + settings.batch - 1) / settings.batch;
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max() - 1;
  if (settings.epochs > kMost / batches)
    throw_error(
        "{} epochs of {} batches are more steps than training can count ({}); lower epochs "
        "or raise batch",
        settings.epochs, batches, kMost);
  return static_cast<std::uint32_t>(settings.epochs * batches);
}

}  // namespace

TrainResult train(Mlp initial, const LabelledRows& training, const LabelledRows& validation,
                  const TrainSettings& settings, ThreadPool& pool, const TrainHooks& hooks,
                  const TrainingState* resumed) {
  check(settings);
  check_part(initial, training, "training");
  check_part(initial, validation, "validation");
  if (training.rows.index() != validation.rows.index())
    throw_error(
        "the training and validation parts differ in kind (sparse and dense rows); expected "
        "both alike");
  check_decay(training.rows, settings);
  check_counts(initial, settings);
  if (settings.epochs == 0) {
    TrainResult untouched;
    untouched.best = std::move(initial);
    return untouched;
  }
  const std::uint32_t steps = total_steps(training.labels.size(), settings);
  Run run(std::move(initial), training, validation, settings, steps, pool, hooks);
  if (resumed != nullptr) {
    check_state(*resumed, training.labels.size(), settings);
    run.resume(*resumed);
  }
  return run.go();
}

TrainingDiverged::TrainingDiverged(const std::string& sentence, TrainResult so_far)
    : Error(sentence), last_good_(std::make_shared<const TrainResult>(std::move(so_far))) {}

}  // namespace nibble
