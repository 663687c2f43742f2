// What the library throws when the outside world is at fault: a file, an option, a disk.
//
// The message is a whole sentence for a user: the operation, what it got, what it expected, what to
// do. The library never prints and never exits; the command line prints the sentence and ends with
// exit code 2. A broken promise among ourselves is an assert(), not an Error.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/core.h>

namespace nibble {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// throw_error("{}:{}: no TAB in this row; expected sentence TAB label", file, line);
template <typename... Args>
[[noreturn]] void throw_error(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace nibble
