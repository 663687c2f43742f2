// Rows that models are judged on, as verbs are told of them.
#pragma once

#include <string>

#include "nibble/data/examples.h"

namespace nibble::cli {

// A file as it is; of a folder or a named data set the test part, where there is one. Labels are
// numbered as in `labels`.
Examples judged_rows(const std::string& data, const LabelNames& labels);

}  // namespace nibble::cli
