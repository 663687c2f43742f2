#include "output.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "nibble/core/error.h"

namespace nibble::cli {

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
    return;
  // Where SIGPIPE is ignored (some parents do that), a closed pipe shows up here.
  if (errno == EPIPE) std::_Exit(EXIT_SUCCESS);
  throw_error("cannot write to standard output: {}", std::strerror(errno));
}

void remark(std::string_view text) { fmt::print(stderr, "{}\n", text); }

}  // namespace nibble::cli
