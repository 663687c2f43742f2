// Numbers as people read them, the same in every form of the report.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace nibble {

// Three significant digits and a unit prefix: 2'081'234 -> "2.08 M", 85'320 -> "85.3 k", 12 ->
// "12".
std::string with_prefix(double number);
// "0.774"; "<0.001" below that.
std::string p_value_text(double p);
// Decimals that give the smallest value above zero three significant digits, 0 to 6: a column
// written with them keeps its decimal points in line.
int decimals_for(const std::vector<double>& column);
// Bytes in MB of 1,048,576, two decimals (three below 0.1 MB).
std::string megabytes_text(double bytes);
// The number of columns that UTF-8 text takes in a terminal, counting one for every code point.
std::size_t display_width(const std::string& text);

// Mean and sample standard deviation; the deviation of one value is 0.
struct Spread {
  double mean = 0.0;
  double deviation = 0.0;
};
Spread spread_of(const std::vector<double>& values);
}  // namespace nibble
