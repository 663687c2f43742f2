// A BenchReport for people and for programs.
#pragma once

#include <string>

#include "nibble/measure/bench.h"

namespace nibble {

// Plain text with aligned columns, for a terminal. "Reached" is the floor over the median.
std::string bench_text(const BenchReport& report);

// {"runs":[{"batch":1,"threads":1,"input":"sparse","median_us":..,"p90_us":..,"p99_us":..,
//   "rows_per_second":..,"floor_us":..}],"ceilings":{..},"load_ms":..,"peak_rss_bytes":..}
// Microseconds are per call, "rows_per_second" is back to back. Beside these keys:
//   runs[]     "share_of_floor" (floor_us / median_us), "operations" and "bytes" of one call
//   ceilings   one thread's rates by name, "threads" and their rates in "all_threads",
//   "cache_bytes" layers[]   "layer", "inputs", "outputs", "encoding", "batch", "us" back to back,
//   "floor_us",
//              "share_of_floor", "operations", "bytes": each layer alone on one thread
//   "cold" (batch 1), "text_to_label_us" (or null), "noise", "model", "rows", "machine"
// Ends with a newline.
std::string bench_json(const BenchReport& report);

}  // namespace nibble
