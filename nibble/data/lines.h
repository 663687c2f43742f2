// The lines of a text file, checked: what every reader of text stands on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nibble {

// Where in a file something stands, for messages.
struct Place {
  std::string_view file;
  std::size_t line = 0;  // 1-based; in a binary file the row
};
std::string to_string(const Place& place);  // "file:line"

// A row is one line, and no row is longer: a longer line is a file of another kind.
inline constexpr std::size_t kLongestLine = std::size_t{16} << 20;

// The text without a byte-order mark at its start.
std::string_view without_byte_order_mark(std::string_view text);

// The line without a carriage return at its end. An Error when it is longer than kLongestLine,
// holds a NUL byte or is not UTF-8 (both with the 1-based number of the byte).
std::string_view checked_line(std::string_view line, const Place& place);

// Goes through the lines of a text in memory, which must outlive it. Empty lines at the end do not
// count. The text may be a piece of a file, with so many lines before it.
class Lines {
 public:
  Lines(std::string_view text, std::string_view file, std::size_t lines_before = 0)
      : rest_(lines_before == 0 ? without_byte_order_mark(text) : text),
        place_{file, lines_before} {}
  // The next line, checked; false at the end.
  bool next(std::string_view& line);
  const Place& place() const { return place_; }  // of the line that next() gave last

 private:
  std::string_view rest_;
  Place place_;
};

}  // namespace nibble
