// results.json: the study for programs.
#pragma once

#include <string>

#include "nibble/report/study_result.h"

namespace nibble {

// Accuracies in per cent, "megabytes" of 1,048,576 bytes, times in the unit that their key names.
// The top level and "variants" tell the first seed; with several seeds "seeds" holds every seed and
// "mean" the means and sample standard deviations over them.
std::string results_json(const StudyResult& result);

}  // namespace nibble
