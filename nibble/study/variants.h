// The variants of a study: the trained network in every precision, stored, then measured from what
// was stored.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nibble/measure/result_row.h"
#include "nibble/model/model.h"
#include "nibble/study/pipeline.h"

namespace nibble {

struct StoredVariant {
  std::string name;  // as the lab's table calls it
  std::filesystem::path file;
  Model model;
};

// Original, Dynamic (INT8), Dynamic (INT4), Half, then one for each further recipe
// (quant/recipe.h); each in `folder` as a .safetensors file.
std::vector<StoredVariant> store_variants(const Model& original,
                                          const std::filesystem::path& folder,
                                          const std::vector<std::string>& recipes = {});

// What `--schemes all` adds to the four.
std::vector<std::string> all_other_schemes();

// One row for each variant, in order. Everything is measured on the file, loaded anew; the row
// names it as seen from `folder`.
std::vector<ResultRow> measure_stored(const std::vector<StoredVariant>& variants,
                                      const DataPart& test, const std::filesystem::path& folder);

}  // namespace nibble
