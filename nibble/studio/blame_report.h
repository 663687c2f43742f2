// Blame as a table, JSON and a picture.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nibble/model/model.h"
#include "nibble/studio/blame.h"

namespace nibble {

// A sentence that names the layer to blame, a line for each layer, the inputs that moved flipped
// rows most (words where the featurizer has words).
std::string blame_table(const Blame& blame, const Featurizer& featurizer);

// [{"name", "original_accuracy", "accuracy", "worst", "layers": [...], "flipped": [...], "inputs":
// [...]}]; an infinite SQNR is null.
std::string blame_json(const std::vector<Blame>& blames, const Featurizer& featurizer);

// Each layer's share, a group of bars for each of the blames, by gnuplot, as .png or .svg.
void write_blame_picture(const std::vector<Blame>& blames, const std::filesystem::path& path);
// What gnuplot is told, after `set terminal`.
std::string blame_script(const std::vector<Blame>& blames);

}  // namespace nibble
