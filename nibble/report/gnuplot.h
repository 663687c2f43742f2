// Pictures drawn by the gnuplot program.
#pragma once

#include <string>
#include <string_view>

namespace nibble {

// What gnuplot prints for the script. `picture` says what it draws, for messages ("the training
// curves"). An Error when gnuplot is missing (it names the package) or fails.
std::string draw_with_gnuplot(const std::string& script, std::string_view picture);

}  // namespace nibble
