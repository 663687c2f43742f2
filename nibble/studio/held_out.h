// The rows by which a trained model is judged and made smaller: the very split of its training,
// from the settings that the model keeps. The test part is never looked at here.
#pragma once

#include <string>

#include "nibble/model/model.h"
#include "nibble/study/pipeline.h"

namespace nibble {

struct HeldOut {
  DataPart training;
  DataPart validation;
};

// `data` as train takes it; the split by the model's settings (split, split_seed,
// validation_fraction, validation), the features by its own vocabulary. A model that does not say
// how it was split gets the defaults of train. An Error if labels or features do not fit.
HeldOut held_out_rows(const Model& model, const std::string& data);

}  // namespace nibble
