// The roofline picture of a bench: operations per byte against operations per second, one thread.
// Source: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model",
// CACM 52 (2009). No point can lie above the roof of the cache that its bytes come from, nor above
// the peak of its arithmetic; how far below it lies is what is left to gain.
#pragma once

#include <filesystem>
#include <string>

#include "nibble/measure/bench.h"

namespace nibble {

// Draws whole calls (a bag of words with sparse rows) and each layer alone under the ceilings that
// the report measured. An Error when gnuplot is missing or fails, or there is no run on one thread.
void write_roofline(const BenchReport& report, const std::filesystem::path& path);

// What gnuplot is told, after `set terminal`.
std::string roofline_script(const BenchReport& report);

}  // namespace nibble
