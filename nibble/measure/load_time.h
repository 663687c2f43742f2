// How long it takes from a model file to a Predictor that can answer.
#pragma once

#include <filesystem>

#include "nibble/formats/model_file.h"

namespace nibble {

// The median of nine loads, milliseconds; the first brings the file into the page cache.
double median_load_ms(const std::filesystem::path& file, const LoadOptions& options = {});

}  // namespace nibble
