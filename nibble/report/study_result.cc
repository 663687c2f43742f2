#include "nibble/report/study_result.h"

#include <set>

namespace nibble {

std::vector<FlippedRow> flipped_rows(const Examples& test, const std::vector<ResultRow>& variants) {
  std::set<std::size_t> rows;
  for (const ResultRow& variant : variants)
    if (variant.flips) rows.insert(variant.flips->rows.begin(), variant.flips->rows.end());
  std::vector<FlippedRow> flipped;
  flipped.reserve(rows.size());
  for (const std::size_t row : rows)
    flipped.push_back({row, test.labels[row], test.is_text() ? test.texts()[row] : std::string()});
  return flipped;
}

}  // namespace nibble
