#include "nibble/report/numbers.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "nibble/measure/statistics.h"

namespace nibble {
namespace {

constexpr double kMegabyte = 1024.0 * 1024.0;

// Three significant digits of a number from 1 to below 1000.
std::string three_digits(double number) {
  if (number < 9.995) return fmt::format("{:.2f}", number);
  if (number < 99.95) return fmt::format("{:.1f}", number);
  return fmt::format("{:.0f}", number);
}

}  // namespace

std::string with_prefix(double number) {
  if (number >= 999.5e6) return three_digits(number / 1e9) + " G";
  if (number >= 999.5e3) return three_digits(number / 1e6) + " M";
  if (number >= 999.5) return three_digits(number / 1e3) + " k";
  return fmt::format("{:.0f}", number);
}

std::string p_value_text(double p) { return p < 0.001 ? "<0.001" : fmt::format("{:.3f}", p); }

int decimals_for(const std::vector<double>& column) {
  double smallest = 0.0;
  for (const double value : column)
    if (value > 0.0 && (smallest == 0.0 || value < smallest)) smallest = value;
  if (smallest == 0.0) return 2;
  return std::clamp(2 - static_cast<int>(std::floor(std::log10(smallest))), 0, 6);
}

std::string megabytes_text(double bytes) {
  const double megabytes = bytes / kMegabyte;
  return fmt::format("{:.{}f}", megabytes, megabytes < 0.1 ? 3 : 2);
}

std::size_t display_width(const std::string& text) {
  // A code point is one byte that is no continuation (10xxxxxx).
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

Spread spread_of(const std::vector<double>& values) {
  return {mean(values), sample_standard_deviation(values)};
}

}  // namespace nibble
