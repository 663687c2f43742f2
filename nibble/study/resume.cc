#include "nibble/study/resume.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/core/error.h"
#include "nibble/formats/model_file.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

// Of what is stored; another one is refused. 2: a feature's records of all blocks lie together.
constexpr std::int64_t kVersion = 2;
constexpr std::size_t kFigures = 5;  // of an epoch

std::string describe_part(const DataFacts::Part& part) {
  return fmt::format("{} rows of {}", part.rows,
                     part.sha256.empty() ? "no file" : "SHA-256 " + part.sha256);
}

std::vector<double> figures(const History& history) {
  std::vector<double> all;
  for (const EpochRecord& e : history)
    all.insert(all.end(), {static_cast<double>(e.epoch), e.train_loss, e.validation_loss,
                           e.validation_accuracy, e.seconds});
  return all;
}

History history_from(const std::vector<double>& figures) {
  History history;
  for (std::size_t i = 0; i + kFigures <= figures.size(); i += kFigures)
    history.push_back(
        {history.size() + 1, figures[i + 1], figures[i + 2], figures[i + 3], figures[i + 4]});
  return history;
}

template <typename T>
const T& get(const StateValues& values, const std::string& name) {
  const auto found = values.find(name);
  const T* value = found == values.end() ? nullptr : std::get_if<T>(&found->second);
  if (value == nullptr)
    throw_error("the training state has no '{}', or not as it is stored by this version", name);
  return *value;
}

std::string array_name(std::size_t index) { return fmt::format("numbers.{}", index); }

TrainingState state_from(const StateValues& values) {
  const auto& place = get<std::vector<std::int64_t>>(values, "place");
  if (place.empty() || place[0] != kVersion)
    throw_error(
        "the training state is of version {}; expected {}, the one that can be read: train anew, "
        "or go on with the version of nibble that wrote it",
        place.empty() ? 0 : place[0], kVersion);
  if (place.size() != 5 || std::ranges::any_of(place, [](std::int64_t n) { return n < 0; }))
    throw_error("the place of the training state is not five numbers of 0 or more");
  TrainingState state;
  state.trainer.steps = static_cast<std::uint32_t>(place[1]);
  state.epochs = static_cast<std::size_t>(place[2]);
  state.batches = static_cast<std::size_t>(place[3]);
  state.best_epoch = static_cast<std::size_t>(place[4]);
  const auto& sums = get<std::vector<double>>(values, "history");
  if (sums.empty() || sums.size() % kFigures != 1)
    throw_error("the history of the training state has {} numbers; expected 1 and {} an epoch",
                sums.size(), kFigures);
  state.loss_sum = sums[0];
  state.history = history_from({sums.begin() + 1, sums.end()});
  if (values.contains("marks"))
    state.trainer.marks = get<std::vector<std::int64_t>>(values, "marks");
  for (std::size_t i = 0; values.contains(array_name(i)); ++i)
    state.trainer.numbers.emplace_back(get<std::vector<float>>(values, array_name(i)));
  return state;
}

using Settings = std::map<std::string, std::string>;

std::string value_of(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "as usual" : found->second;
}

// Whether `epochs` may grow: a schedule that falls, or a warm-up that is a share, knows their
// number.
bool epochs_may_grow(const Settings& settings) {
  const bool is_share = settings.contains("warmup") && std::stod(settings.at("warmup")) < 1.0;
  return !settings.contains("schedule") && !is_share;
}

std::size_t count_from(const std::string& text) {
  std::size_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

bool is_allowed(const std::string& name, const Settings& then, const Settings& now) {
  if (name == "data" || name == "validation" || name == "patience") return true;
  return name == "epochs" && epochs_may_grow(now) &&
         count_from(value_of(now, name)) > count_from(value_of(then, name));
}

void require_same_settings(const Settings& then, const Settings& now) {
  std::set<std::string> names;
  for (const auto& [name, value] : then) names.insert(name);
  for (const auto& [name, value] : now) names.insert(name);
  for (const std::string& name : names) {
    if (name.ends_with("_sha256")) continue;  // data_fingerprint compares the data
    const std::string before = value_of(then, name);
    const std::string after = value_of(now, name);
    if (before == after || is_allowed(name, then, now)) continue;
    throw_error(
        "the training that it stores had {} {}, but now {} is asked for; resume with the "
        "settings it began with",
        name, before, after);
  }
}

}  // namespace

std::string data_fingerprint(const DataFacts& data) {
  return fmt::format("training {}, validation {}, {} features, labels {}",
                     describe_part(data.training), describe_part(data.validation),
                     column_count(data.featurizer), fmt::join(data.label_names, " "));
}

void save_training(const Model& best, const TrainingState& state, const DataFacts& data,
                   const fs::path& path) {
  const std::vector<std::int64_t> place{
      kVersion, state.trainer.steps, static_cast<std::int64_t>(state.epochs),
      static_cast<std::int64_t>(state.batches), static_cast<std::int64_t>(state.best_epoch)};
  std::vector<double> history = figures(state.history);
  history.insert(history.begin(), state.loss_sum);
  StateViews views{{"data", data_fingerprint(data)},
                   {"place", std::span(place)},
                   {"history", std::span(std::as_const(history))}};
  if (!state.trainer.marks.empty()) views.emplace_back("marks", std::span(state.trainer.marks));
  for (std::size_t i = 0; i < state.trainer.numbers.size(); ++i)
    views.emplace_back(array_name(i), state.trainer.numbers[i]);
  save_checkpoint(best, views, path);
}

ResumedTraining::ResumedTraining(const fs::path& path, const DataFacts& data,
                                 const Settings& settings) {
  StoredTraining stored = load_training(path);
  model_ = std::move(stored.model);
  values_ = std::move(stored.state);
  try {
    require_same_settings(model_.provenance.settings, settings);
    const auto& then = get<std::string>(values_, "data");
    const std::string now = data_fingerprint(data);
    if (then != now)
      throw_error("the training that it stores had other data: {}; now it is: {}", then, now);
    state_ = state_from(values_);
  } catch (const Error& problem) {
    throw_error("cannot resume from '{}': {}", path.string(), problem.what());
  }
}

}  // namespace nibble
