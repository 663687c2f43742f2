#include "nibble/report/gnuplot.h"

#include "nibble/core/error.h"
#include "nibble/core/program.h"

namespace nibble {

std::string draw_with_gnuplot(const std::string& script, std::string_view picture) {
  const ProgramResult result = run_program({"gnuplot"}, script);
  if (!result.found)
    throw_error(
        "to draw {}, the program gnuplot must be on PATH; install Debian's package gnuplot-nox",
        picture);
  if (result.exit_code != 0 || result.output.empty())
    throw_error("gnuplot could not draw {} (exit code {}): {}", picture, result.exit_code,
                result.errors);
  return result.output;
}

}  // namespace nibble
