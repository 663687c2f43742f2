// Lines of a file or of standard input, in blocks, as they arrive: memory stays bounded however
// long the input is.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::cli {

class LineReader {
 public:
  // "" and "-" are standard input. An Error when the file cannot be opened.
  explicit LineReader(const std::filesystem::path& path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  enum class Wait { kForFirst, kForAll };
  // The next lines, at most `most`, without line ends (LF or CRLF) and without a byte-order mark;
  // none at the end. kForFirst returns those that have arrived, so that a slow writer gets its
  // answers; kForAll waits for `most`. An Error names file and line when a line is too long, holds
  // a NUL, or is not UTF-8.
  std::vector<std::string> next(std::size_t most, Wait wait);

  // 1-based number of the first line of the block that next() returned last.
  std::size_t first_line() const { return first_line_; }
  const std::string& name() const { return name_; }

 private:
  std::optional<std::string_view> take_line();  // good until the next read_more()
  void read_more();

  std::string name_;
  int descriptor_ = -1;
  std::string buffer_;
  std::size_t taken_ = 0;     // bytes of buffer_ that were returned
  std::size_t searched_ = 0;  // bytes of buffer_ known to hold no further line end
  bool at_end_ = false;
  std::size_t first_line_ = 1;
  std::size_t next_line_ = 1;
};

}  // namespace nibble::cli
