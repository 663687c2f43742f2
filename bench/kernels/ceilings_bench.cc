// What one core can do at most (kernels/ceiling_peaks.h, kernels/ceiling_reads.h).
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench.h"

#include "nibble/core/aligned.h"
#include "nibble/kernels/ceiling_peaks.h"
#include "nibble/kernels/ceiling_reads.h"

namespace nibble {
namespace {

// Reported in ns per 1000 operations: smaller is better, as everywhere else here.
void peak(benchmark::State& state, std::size_t (*run)(std::size_t)) {
  std::size_t operations = 0;
  for (auto step : state) operations = run(1000);
  state.counters["ops_per_ns"] = benchmark::Counter(static_cast<double>(operations) * 1e-9,
                                                    benchmark::Counter::kIsIterationInvariantRate);
}

void read(benchmark::State& state) {
  AlignedVector<std::uint32_t> words(static_cast<std::size_t>(state.range(0)) * 256, 1U);
  for (auto step : state) benchmark::DoNotOptimize(read_words(words, 4));
  state.counters["bytes_per_ns"] =
      benchmark::Counter(static_cast<double>(words.size() * 4 * 4) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  repeated(benchmark::RegisterBenchmark("peak/f32", peak, run_f32_multiply_adds));
  repeated(benchmark::RegisterBenchmark("peak/byte_dot", peak, run_byte_dots));
  repeated(benchmark::RegisterBenchmark("peak/bf16_dot", peak, run_bf16_dots));
  repeated(benchmark::RegisterBenchmark("read_KiB", read))->Arg(16)->Arg(256)->Arg(512)->Arg(8192);
  return true;
}();

}  // namespace
}  // namespace nibble
