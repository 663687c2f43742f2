#include "nibble/train/settings.h"

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

}  // namespace

Optimizer optimizer_named(std::string_view name) {
  for (const Optimizer optimizer : {Optimizer::kAdam, Optimizer::kAdamW, Optimizer::kSgd})
    if (name_of(optimizer) == name) return optimizer;
  throw_error("there is no optimizer '{}'; expected adam, adamw or sgd", name);
}

std::string_view name_of(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::kAdam:
      return "adam";
    case Optimizer::kAdamW:
      return "adamw";
    case Optimizer::kSgd:
      break;
  }
  return "sgd";
}

void check(const TrainSettings& s) {
  check_range(s.batch >= 1, "batch", static_cast<double>(s.batch), "1 or more");
  check_optimizer(s);
  check_range(is_share(s.dropout), "dropout", s.dropout, "a number from 0 to below 1");
}

}  // namespace nibble
