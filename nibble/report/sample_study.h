// A made-up study for the unit tests of this room, with everything that can go wrong on a page in
// it.
#pragma once

#include <cstddef>

#include "nibble/report/study_result.h"

namespace nibble {

// Ten epochs, best at the seventh; Original, INT8, INT4, Half on 1,821 test rows of two labels.
StudyResult sample_study();
// The same with `seeds` runs whose figures differ a little.
StudyResult sample_study_of(std::size_t seeds);
// Numbers instead of texts, ten labels.
StudyResult sample_numeric_study();
// A history of this length: falling training loss, validation loss with a minimum.
History sample_history(std::size_t epochs);

}  // namespace nibble
