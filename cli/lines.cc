#include "lines.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "nibble/core/error.h"
#include "nibble/data/lines.h"

namespace nibble::cli {
namespace {

constexpr std::size_t kChunk = 65'536;

}  // namespace

LineReader::LineReader(const std::filesystem::path& path) : name_(path.string()) {
  if (name_.empty() || name_ == "-") {
    name_ = "standard input";
    descriptor_ = STDIN_FILENO;
    return;
  }
  descriptor_ = open(name_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) throw_error("cannot open '{}': {}", name_, std::strerror(errno));
}

LineReader::~LineReader() {
  if (descriptor_ != STDIN_FILENO) close(descriptor_);
}

std::vector<std::string> LineReader::next(std::size_t most, Wait wait) {
  std::vector<std::string> lines;
  first_line_ = next_line_;
  while (lines.size() < most) {
    if (const auto line = take_line()) {
      lines.emplace_back(*line);
    } else if (at_end_ || (wait == Wait::kForFirst && !lines.empty())) {
      break;
    } else {
      read_more();
    }
  }
  return lines;
}

std::optional<std::string_view> LineReader::take_line() {
  const std::string_view text(buffer_);
  const Place place{name_, next_line_};
  std::size_t end = text.find('\n', searched_);
  if (end == std::string_view::npos) {
    searched_ = text.size();
    // A line that is too long already is refused before the rest of it is read.
    if (searched_ - taken_ > kLongestLine) checked_line(text.substr(taken_), place);
    // The last line may lack its end.
    if (!at_end_ || taken_ == text.size()) return std::nullopt;
    end = text.size();
  }
  std::string_view line = text.substr(taken_, end - taken_);
  if (next_line_ == 1) line = without_byte_order_mark(line);
  taken_ = searched_ = std::min(end + 1, text.size());
  ++next_line_;
  return checked_line(line, place);
}

void LineReader::read_more() {
  buffer_.erase(0, taken_);
  searched_ -= taken_;
  taken_ = 0;
  const std::size_t old = buffer_.size();
  buffer_.resize(old + kChunk);
  ssize_t count = 0;
  do {
    count = read(descriptor_, buffer_.data() + old, kChunk);
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw_error("cannot read '{}': {}", name_, std::strerror(errno));
  buffer_.resize(old + static_cast<std::size_t>(count));
  at_end_ = count == 0;
}

}  // namespace nibble::cli
