// What a person should know about a data set before believing a result made from it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "nibble/data/examples.h"

namespace nibble {

struct LabelShare {
  std::string name;
  std::size_t rows = 0;
  double per_cent = 0.0;
};

struct DataProfile {
  std::size_t rows = 0;
  std::vector<LabelShare> labels;
  std::size_t empty_rows =
      0;  // texts without a character other than white space; numeric rows of zeros only
  std::size_t duplicate_rows = 0;  // rows whose input stood in an earlier row of the same part
};

DataProfile profile(const Examples& examples);
// Rows of `test` whose input also stands in `training`.
std::size_t rows_in_common(const Examples& test, const Examples& training);

}  // namespace nibble
