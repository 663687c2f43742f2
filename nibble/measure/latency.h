// Calls of a model to be timed (timing.h): features in to logits out, and text in to label out.
// Rows are taken in turn from a whole set, so that a call does not find the weights of its own
// input left over from the call before. What the calls use must outlive them.
#pragma once

#include <cstddef>
#include <vector>

#include "nibble/core/threads.h"
#include "nibble/data/examples.h"
#include "nibble/data/rows.h"
#include "nibble/infer/predictor.h"
#include "nibble/measure/timing.h"

namespace nibble {

// Cuts rows into batches; those left over at the end are not used. An Error if there are fewer rows
// than one batch (repeat_rows makes more).
std::vector<RowsView> batches_of(const RowsView& rows, std::size_t batch);

// `batch` rows a call: on the calling thread with working memory of its own if pool is null,
// otherwise on the pool's threads together. An Error as batches_of.
TimedCall network_calls(const Predictor& predictor, const RowsView& rows, std::size_t batch,
                        ThreadPool* pool);

// One text a call, on the calling thread. An Error if there is none.
TimedCall text_calls(const Predictor& predictor, const Texts& texts);

// The time of calls that find nothing of the model in a cache: before each one 96 MB of other data,
// or three times the last cache if that is less, are read.
CallTimes time_cold_calls(const TimedCall& call, const TimingLimits& limits);

// `rows` over and over until there are at least `count` of them. An Error if there are none.
Rows repeat_rows(const Rows& rows, std::size_t count);

}  // namespace nibble
