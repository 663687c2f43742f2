// The families of candidates that shrink tries (shrink.h). Not for use outside this room.
#pragma once

#include <cstddef>
#include <span>

#include "nibble/studio/shrink_trials.h"

namespace nibble {

void try_uniform(const Model& model, const HeldOut& rows, ShrinkTrials& trials);
void try_scalar(const Model& model, const HeldOut& rows, ShrinkTrials& trials);
void try_mixed(const Model& model, const HeldOut& rows, ShrinkTrials& trials);

// Of a list of words only these, to be stored compressed; buckets and numbers stay as they are, and
// all of them must be kept.
Featurizer kept_words(const Featurizer& featurizer, std::span<const std::size_t> kept);
Rows kept_columns(const Rows& rows, std::span<const std::size_t> kept);

}  // namespace nibble
