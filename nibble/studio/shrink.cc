#include "nibble/studio/shrink.h"

#include <utility>

#include "nibble/core/error.h"
#include "nibble/studio/pruning.h"
#include "nibble/studio/shrink_families.h"
#include "nibble/studio/shrink_trials.h"

namespace nibble {

ShrinkResult shrink(const Model& model, const HeldOut& rows, const ShrinkLimits& limits,
                    const ShrinkHooks& hooks) {
  const auto* mlp = std::get_if<Mlp>(&model.network);
  if (mlp == nullptr)
    throw_error(
        "cannot shrink this model: it is quantized already, as {}; start from the float one",
        name_of(model.scheme()));
  ShrinkTrials trials(model, rows, limits, hooks);
  Model lean = model;
  lean.network = without_dead_neurons(*mlp, view_of(rows.training.rows));
  try_uniform(lean, rows, trials);
  try_scalar(lean, rows, trials);
  try_mixed(lean, rows, trials);
  return std::move(trials).finish();
}

}  // namespace nibble
