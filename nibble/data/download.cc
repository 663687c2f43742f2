#include "nibble/data/download.h"

#include <cstddef>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/core/program.h"

namespace nibble {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

std::string download(const std::string& address) {
  ProgramResult curl =
      run_program({"curl", "--fail", "--silent", "--show-error", "--location", "--proto",
                   "=https,file", "--max-time", "120", "--connect-timeout", "15", "--max-filesize",
                   std::to_string(kMostBytes), address});
  if (!curl.found) {
    throw_error("cannot fetch {}: the program curl is not installed (Debian: apt install curl)",
                address);
  }
  if (curl.exit_code != 0) {
    const std::string complaint = without_line_end(std::move(curl.errors));
    throw_error("cannot fetch {}: {}", address, complaint.empty() ? "curl failed" : complaint);
  }
  return std::move(curl.output);
}

}  // namespace nibble
