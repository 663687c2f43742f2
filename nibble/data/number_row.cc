#include "nibble/data/number_row.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "nibble/core/error.h"

namespace nibble {
namespace {

// from_chars takes neither white space nor a plus sign.
std::string_view bare(std::string_view cell) {
  while (!cell.empty() && (cell.front() == ' ' || cell.front() == '\t')) cell.remove_prefix(1);
  while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) cell.remove_suffix(1);
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  return cell;
}

std::from_chars_result parse(std::string_view cell, double& value) {
  return std::from_chars(cell.data(), cell.data() + cell.size(), value);
}

bool is_whole(std::string_view cell, const std::from_chars_result& result) {
  return result.ec != std::errc::invalid_argument && result.ptr == cell.data() + cell.size();
}

float number_in(std::string_view text, std::size_t column, const Place& place) {
  const std::string_view cell = bare(text);
  double value = 0.0;
  const std::from_chars_result result = parse(cell, value);
  if (!is_whole(cell, result)) {
    throw_error("{}: '{}' in column {} is no number; expected numbers with commas between them",
                to_string(place), cell.substr(0, 40), column);
  }
  const auto number = static_cast<float>(value);
  if (result.ec != std::errc() || !std::isfinite(number)) {
    throw_error(
        "{}: '{}' in column {} is NaN, infinite or beyond a 32-bit float; expected a finite number",
        to_string(place), cell.substr(0, 40), column);
  }
  return number;
}

}  // namespace

bool is_number(std::string_view cell) {
  cell = bare(cell);
  double value = 0.0;
  return is_whole(cell, parse(cell, value));
}

std::size_t append_numbers(std::string_view cells, const Place& place,
                           AlignedVector<float>& values) {
  std::size_t count = 0;
  for (std::size_t begin = 0; begin <= cells.size();) {
    const std::size_t end = std::min(cells.find(',', begin), cells.size());
    values.push_back(number_in(cells.substr(begin, end - begin), ++count, place));
    begin = end + 1;
  }
  return count;
}

}  // namespace nibble
