// How long it takes from a model file to a Predictor that can answer.
#pragma once

#include <filesystem>

namespace nibble {

// The median of nine loads, milliseconds; the first brings the file into the page cache.
double median_load_ms(const std::filesystem::path& file);

}  // namespace nibble
