// The lab's table: its five columns in its own words, then what a careful reader asks next. In
// three forms: aligned text for a terminal, Markdown, and CSV with bare numbers.
#pragma once

#include <string>
#include <vector>

#include "nibble/report/study_result.h"

namespace nibble {

struct StudyTable {
  std::vector<std::string> headers;  // '\n' where the terminal may break the line
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;  // whole sentences that belong under the table
};

// Figures as people read them; with several seeds mean ± standard deviation.
StudyTable study_table(const StudyResult& result);

std::string table_text(const StudyResult& result);
std::string table_markdown(const StudyResult& result);
// Full precision, one number for each cell; with several seeds the standard deviation of accuracy
// has its own column.
std::string table_csv(const StudyResult& result);

}  // namespace nibble
