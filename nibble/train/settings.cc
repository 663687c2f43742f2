#include "nibble/train/settings.h"

#include <array>
#include <cmath>

#include "nibble/core/error.h"

namespace nibble {
namespace {

void check_range(bool good, const char* name, double value, const char* range) {
  if (!good) throw_error("the setting {} is {}; expected {}", name, value, range);
}

bool is_share(double value) { return value >= 0.0 && value < 1.0; }

void check_optimizer(const TrainSettings& s) {
  constexpr const char* kShare = "a number from 0 to below 1";
  check_range(std::isfinite(s.learning_rate) && s.learning_rate > 0.0, "learning rate",
              s.learning_rate, "a finite number above 0");
  check_range(is_share(s.beta1), "beta1", s.beta1, kShare);
  check_range(is_share(s.beta2), "beta2", s.beta2, kShare);
  check_range(std::isfinite(s.epsilon) && s.epsilon >= 1e-20, "epsilon", s.epsilon,
              "a finite number of at least 1e-20");
  check_range(is_share(s.momentum), "momentum", s.momentum, kShare);
  check_range(s.momentum == 0.0 || s.optimizer == Optimizer::kSgd, "momentum", s.momentum,
              "0 unless the optimizer is sgd (adam and adamw have beta1)");
  check_range(std::isfinite(s.weight_decay) && s.weight_decay >= 0.0, "weight decay",
              s.weight_decay, "a finite number of 0 or more");
  check_range(s.learning_rate * s.weight_decay < 1.0, "weight decay", s.weight_decay,
              "less than 1 when multiplied by the learning rate");
}

template <typename Kind>
struct Named {
  Kind kind;
  std::string_view name;
};
constexpr std::array<Named<Optimizer>, 3> kOptimizers{
    {{Optimizer::kAdam, "adam"}, {Optimizer::kAdamW, "adamw"}, {Optimizer::kSgd, "sgd"}}};
constexpr std::array<Named<ScheduleKind>, 3> kSchedules{{{ScheduleKind::kConstant, "constant"},
                                                         {ScheduleKind::kCosine, "cosine"},
                                                         {ScheduleKind::kLinear, "linear"}}};

template <typename Kind>
Kind value_named(const std::array<Named<Kind>, 3>& all, std::string_view what,
                 std::string_view name) {
  for (const auto& one : all)
    if (one.name == name) return one.kind;
  throw_error("there is no {} '{}'; expected {}, {} or {}", what, name, all[0].name, all[1].name,
              all[2].name);
}

template <typename Kind>
std::string_view name_in(const std::array<Named<Kind>, 3>& all, Kind kind) {
  return all.at(static_cast<std::size_t>(kind)).name;
}

void check_schedule(const TrainSettings& s) {
  constexpr double kMostSteps = 4294967295.0;  // 32 bits
  const bool is_count = s.warmup == std::floor(s.warmup) && s.warmup <= kMostSteps;
  check_range(is_share(s.warmup) || (s.warmup >= 1.0 && is_count), "warmup", s.warmup,
              "a share of all steps from 0 to below 1, or a whole number of steps");
}

void check_loss(const TrainSettings& s) {
  check_range(s.label_smoothing >= 0.0 && s.label_smoothing <= 1.0, "label smoothing",
              s.label_smoothing, "a number from 0 to 1");
  for (const double weight : s.class_weights)
    check_range(std::isfinite(weight) && weight > 0.0, "class weights", weight,
                "finite numbers above 0");
  if (s.balanced_classes && !s.class_weights.empty())
    throw_error("the setting class weights is both balanced and a list; expected one of the two");
}

}  // namespace

Optimizer optimizer_named(std::string_view name) {
  return value_named(kOptimizers, "optimizer", name);
}

std::string_view name_of(Optimizer optimizer) { return name_in(kOptimizers, optimizer); }

ScheduleKind schedule_named(std::string_view name) {
  return value_named(kSchedules, "schedule", name);
}

std::string_view name_of(ScheduleKind schedule) { return name_in(kSchedules, schedule); }

double dropout_of(const TrainSettings& settings, std::size_t layer) {
  return settings.dropout.size() == 1 ? settings.dropout.front() : settings.dropout.at(layer);
}

void check(const TrainSettings& s) {
  check_range(s.batch >= 1, "batch", static_cast<double>(s.batch), "1 or more");
  check_optimizer(s);
  check_schedule(s);
  check_loss(s);
  check_range(std::isfinite(s.clip_norm) && s.clip_norm >= 0.0, "clip norm", s.clip_norm,
              "a finite number above 0, or 0 for none");
  if (s.dropout.empty()) throw_error("the setting dropout is empty; expected one number or more");
  for (const double dropout : s.dropout)
    check_range(is_share(dropout), "dropout", dropout, "a number from 0 to below 1");
}

}  // namespace nibble
