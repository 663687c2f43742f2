// A BenchReport for people and for programs.
#pragma once

#include <string>

#include "nibble/measure/bench.h"

namespace nibble {

// Plain text with aligned columns, for a terminal. "Reached" is the floor over the median.
std::string bench_text(const BenchReport& report);

// {"runs":[{"batch":1,"threads":1,"input":"sparse","median_us":..,"p90_us":..,"p99_us":..,
//   "rows_per_second":..,"floor_us":..}],"ceilings":{..},"load_ms":..,"peak_rss_bytes":..} and,
//   after
// these, "cold", "text_to_label_us", "noise", "model", "rows", "machine". Times are microseconds
// per call. "ceilings" holds the rates of one thread by name and the same of all threads in
// "all_threads". Ends with a newline.
std::string bench_json(const BenchReport& report);

}  // namespace nibble
