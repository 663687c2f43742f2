// Running another program, without a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibble {

struct ProgramResult {
  int exit_code = 0;  // 128 + the signal's number if a signal ended it
  std::string output;
  std::string errors;
  bool found = true;  // false: no program of this name on PATH; nothing was run
};

// Runs `arguments` (the program first, looked up on PATH) with `input` as its standard input and
// waits for its end. An Error when the system refuses for another reason than that there is no such
// program.
ProgramResult run_program(const std::vector<std::string>& arguments, std::string_view input = {});

}  // namespace nibble
