#include "nibble/train/optimizer_step.h"

#include "nibble/train/lazy_adam.h"
#include "nibble/train/lazy_sgd.h"

namespace nibble {

OptimizerStep optimizer_step(const TrainSettings& settings, const Schedule& schedule,
                             std::uint64_t step) {
  if (settings.optimizer == Optimizer::kSgd) return sgd_step(settings, schedule, step);
  const AdamStep adam = adam_step(settings, schedule, step);
  if (settings.optimizer == Optimizer::kAdamW || settings.weight_decay == 0.0) return adam;
  return CoupledAdamStep{adam, 1.0F, static_cast<float>(settings.weight_decay)};
}

}  // namespace nibble
