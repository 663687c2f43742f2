// Pictures drawn by the gnuplot program.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace nibble {

// What gnuplot prints for the script. `picture` says what it draws, for messages ("the training
// curves"). An Error when gnuplot is missing (it names the package) or fails.
std::string draw_with_gnuplot(const std::string& script, std::string_view picture);

// An Error unless the name ends in .png or .svg: to be asked before minutes of measuring.
void require_picture_name(const std::filesystem::path& path);

// Draws the script with the one of two terminals that fits the name, into the file.
struct Terminals {
  std::string png;
  std::string svg;
};
void write_picture(const std::filesystem::path& path, const Terminals& terminals,
                   const std::string& script, std::string_view picture);

}  // namespace nibble
