#include "nibble/train/optimizer_step.h"

#include "nibble/train/lazy_adam.h"
#include "nibble/train/lazy_sgd.h"

namespace nibble {

OptimizerStep optimizer_step(const TrainSettings& settings, const Schedule& schedule,
                             std::uint64_t step, double clip) {
  const auto scale = static_cast<float>(clip);
  if (settings.optimizer == Optimizer::kSgd) {
    SgdStep sgd = sgd_step(settings, schedule, step);
    sgd.clip = scale;
    return sgd;
  }
  AdamStep adam = adam_step(settings, schedule, step);
  if (settings.optimizer == Optimizer::kAdam && settings.weight_decay > 0.0)
    return CoupledAdamStep{adam, scale, static_cast<float>(settings.weight_decay)};
  adam.take_m *= scale;
  adam.take_v *= scale * scale;
  return adam;
}

}  // namespace nibble
