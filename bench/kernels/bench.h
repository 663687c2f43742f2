// What the benchmarks share.
#pragma once

#include <algorithm>
#include <vector>

#include <benchmark/benchmark.h>

namespace nibble {

// The fastest of the repetitions is nearest to what the hardware can do: whatever else runs on the
// machine only adds time. The median says what to expect beside that.
inline benchmark::internal::Benchmark* repeated(benchmark::internal::Benchmark* bench) {
  return bench->MinTime(0.002)->Repetitions(25)->ReportAggregatesOnly()->ComputeStatistics(
      "min", [](const std::vector<double>& times) {
        return *std::min_element(times.begin(), times.end());
      });
}

}  // namespace nibble
