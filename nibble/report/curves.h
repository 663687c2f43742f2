// curves.png and curves.svg: loss and validation accuracy against epochs, drawn by the gnuplot
// program.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "nibble/train/train.h"

namespace nibble {

// Writes both files into `folder`. `best_epoch` is 1-based; 0 marks none. Nothing is written when
// no epoch was finished. An Error when gnuplot is missing (it names the package) or fails.
void write_curves(const History& history, std::size_t best_epoch,
                  const std::filesystem::path& folder);

// What gnuplot is told, after `set terminal`.
std::string curves_script(const History& history, std::size_t best_epoch);

}  // namespace nibble
