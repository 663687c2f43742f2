// What a search for a small model found, as a table, JSON and a picture.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "nibble/studio/shrink.h"

namespace nibble {

// The front, smallest first: bytes, validation accuracy, time of a row, recipe; the best is marked.
std::string front_table(const ShrinkResult& result);

// What hashed words cost: bytes, validation and, where there are test rows, test accuracy of the
// model as it came, the best with its words and the best without.
std::string hashing_table(const Model& original, const ShrinkResult& words,
                          const ShrinkResult& hashed, const std::optional<Examples>& test);

// {"original_accuracy", "best": index or null, "tried": [{"recipe", "bytes", "parameters",
// "accuracy", "loss", "microseconds", "on_front"}]}; numbers not measured are null.
std::string shrink_json(const ShrinkResult& result);

// Bytes (logarithmic) against validation accuracy, by gnuplot, as .png or .svg. An Error when
// gnuplot is missing or fails.
void write_front(const ShrinkResult& result, const std::filesystem::path& path);
// What gnuplot is told, after `set terminal`.
std::string front_script(const ShrinkResult& result);

}  // namespace nibble
