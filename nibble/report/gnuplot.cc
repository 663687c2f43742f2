#include "nibble/report/gnuplot.h"

#include "nibble/core/error.h"
#include "nibble/core/file.h"
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

void require_picture_name(const std::filesystem::path& path) {
  const std::filesystem::path ending = path.extension();
  if (ending == ".png" || ending == ".svg") return;
  throw_error("cannot tell the kind of picture from the name '{}'; expected .png or .svg",
              path.string());
}

void write_picture(const std::filesystem::path& path, const Terminals& terminals,
                   const std::string& script, std::string_view picture) {
  require_picture_name(path);
  const std::string& terminal = path.extension() == ".png" ? terminals.png : terminals.svg;
  write_file_atomically(path, draw_with_gnuplot(terminal + script, picture));
}

}  // namespace nibble
