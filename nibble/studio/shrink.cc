#include "nibble/studio/shrink.h"

#include <utility>

#include "nibble/core/error.h"
#include "nibble/studio/hashed_words.h"
#include "nibble/studio/pruning.h"
#include "nibble/studio/shrink_families.h"
#include "nibble/studio/shrink_trials.h"

namespace nibble {
namespace {

void try_families(const Model& model, const HeldOut& rows, ShrinkTrials& trials) {
  Model lean = model;
  lean.network = without_dead_neurons(std::get<Mlp>(model.network), view_of(rows.training.rows));
  try_uniform(lean, rows, trials);
  try_scalar(lean, rows, trials);
  try_mixed(lean, rows, trials);
}

}  // namespace

ShrinkResult shrink(const Model& model, const HeldOut& rows, const ShrinkLimits& limits,
                    const ShrinkHooks& hooks) {
  if (!std::holds_alternative<Mlp>(model.network))
    throw_error(
        "cannot shrink this model: it is quantized already, as {}; start from the float one",
        name_of(model.scheme()));
  ShrinkTrials trials(model, rows, limits, hooks);
  if (limits.hash_vocabulary == 0) {
    try_families(model, rows, trials);
  } else {
    const HashedWords hashed = with_hashed_words(model, rows, limits.hash_vocabulary);
    try_families(hashed.model, hashed.rows, trials);
  }
  return std::move(trials).finish();
}

}  // namespace nibble
