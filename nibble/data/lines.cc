#include "nibble/data/lines.h"

#include <algorithm>

#include "nibble/core/error.h"
#include "nibble/core/utf8.h"

namespace nibble {
std::string to_string(const Place& place) { return fmt::format("{}:{}", place.file, place.line); }

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

std::string_view checked_line(std::string_view line, const Place& place) {
  if (line.size() > kLongestLine) {
    throw_error(
        "{}: this line has more than {} bytes (16 MiB), the limit for one row; is it a text file?",
        to_string(place), kLongestLine);
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (const std::size_t at = line.find('\0'); at != std::string_view::npos) {
    throw_error(
        "{}: byte {} of this line is a NUL; expected UTF-8 text (if it is UTF-16, convert it: "
        "iconv "
        "-f UTF-16 -t UTF-8)",
        to_string(place), at + 1);
  }
  if (const auto at = find_invalid_utf8(line)) {
    throw_error(
        "{}: byte {} of this line (0x{:02X}) is not UTF-8; expected UTF-8 text (if it is Latin-1, "
        "convert it: iconv -f LATIN1 -t UTF-8)",
        to_string(place), *at + 1, static_cast<unsigned char>(line[*at]));
  }
  return line;
}

bool Lines::next(std::string_view& line) {
  if (rest_.find_first_not_of("\r\n") == std::string_view::npos) return false;
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  ++place_.line;
  line = checked_line(rest_.substr(0, end), place_);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  return true;
}

}  // namespace nibble
