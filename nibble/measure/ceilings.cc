#include "nibble/measure/ceilings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "nibble/core/aligned.h"
#include "nibble/core/threads.h"
#include "nibble/kernels/ceiling_peaks.h"
#include "nibble/kernels/ceiling_reads.h"
#include "nibble/kernels/cpu_level.h"
#include "nibble/measure/timing.h"

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;

// Does a piece of work of some microseconds on behalf of one thread; returns its operations or
// bytes.
using Work = std::function<std::size_t(std::size_t thread)>;

double rate_until(const Work& work, std::size_t thread, double seconds) {
  const Clock::time_point start = Clock::now();
  double done = 0.0;
  double passed = 0.0;
  do {
    done += static_cast<double>(work(thread));
    passed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (passed < seconds);
  return done / passed;
}

// Work per second of all threads, started together.
double rate_together(const Work& work, std::size_t threads, double seconds) {
  std::atomic<std::size_t> ready{0};
  std::vector<double> rates(threads);
  const auto take_part = [&](std::size_t thread) {
    ++ready;
    while (ready < threads) std::this_thread::yield();
    rates[thread] = rate_until(work, thread, seconds);
  };
  std::vector<std::thread> others;
  for (std::size_t thread = 1; thread < threads; ++thread) others.emplace_back(take_part, thread);
  take_part(0);
  for (std::thread& other : others) other.join();
  double sum = 0.0;
  for (const double rate : rates) sum += rate;
  return sum;
}

// The best of many short trials, in 10^9 per second: a ceiling is what the machine can do
// undisturbed, and half a millisecond is shorter than the time slice another process would take.
double best_rate(const Work& work, std::size_t threads, double seconds) {
  constexpr double kTrialSeconds = 5e-4;
  constexpr int kFewestTrials = 3;
  const int trials = std::max(kFewestTrials, static_cast<int>(seconds / kTrialSeconds));
  double best = 0.0;
  for (int trial = 0; trial < trials; ++trial) {
    best = std::max(best, rate_together(work, threads, kTrialSeconds));
  }
  return best * 1e-9;
}

// Of one of the loops in ceiling_peaks.h.
double peak_rate(std::size_t (*run)(std::size_t rounds), std::size_t threads, double seconds) {
  constexpr std::size_t kRounds = 2000;  // several microseconds of arithmetic
  return best_rate([run](std::size_t) { return run(kRounds); }, threads, seconds);
}

// Each thread goes round and round in `bytes` of the buffer that it has to itself, a piece at a
// time.
double read_rate(const AlignedVector<std::uint32_t>& buffer, std::size_t bytes, std::size_t threads,
                 double seconds) {
  constexpr std::size_t kPieceWords = std::size_t{1} << 16;  // 256 KB: 1 to 20 microseconds
  const std::size_t own_words = bytes / sizeof(std::uint32_t);
  const std::size_t words = std::min(own_words, kPieceWords) / kReadStep * kReadStep;
  const std::size_t pieces = own_words / words;
  const std::size_t passes = kPieceWords / words;
  std::vector<std::size_t> turns(threads);
  const Work read = [&](std::size_t thread) {
    const std::size_t first = thread * own_words + turns[thread]++ % pieces * words;
    const std::uint32_t sum = read_words({buffer.data() + first, words}, passes);
    keep(&sum);
    return passes * words * sizeof(std::uint32_t);
  };
  return best_rate(read, threads, seconds);
}

// How much one thread reads to measure each level: well inside it and well outside the one before.
struct ReadSizes {
  std::size_t l1 = 0;
  std::size_t l2 = 0;
  std::size_t l3 = 0;
  std::size_t dram_together = 0;  // of all threads
};

ReadSizes read_sizes(const CacheSizes& caches) {
  constexpr std::size_t kMost = std::size_t{256} << 20;
  ReadSizes sizes;
  sizes.l1 = caches.l1 / 2;
  sizes.l2 = caches.l2 / 2;
  sizes.l3 = caches.l3 >= 4 * caches.l2 ? 2 * caches.l2 : caches.l3 / 2;
  sizes.dram_together = std::min(kMost, std::max(4 * caches.l3, std::size_t{64} << 20));
  return sizes;
}

Ceilings measure_with(std::size_t threads, const ReadSizes& sizes,
                      const AlignedVector<std::uint32_t>& buffer, double seconds) {
  Ceilings ceilings;
  ceilings.f32_gflops = peak_rate(run_f32_multiply_adds, threads, seconds);
  ceilings.byte_dot_gops = peak_rate(run_byte_dots, threads, seconds);
  if (bf16_dots_in_use()) ceilings.bf16_gflops = peak_rate(run_bf16_dots, threads, seconds);
  ceilings.l1_gb_per_second = read_rate(buffer, sizes.l1, threads, seconds);
  ceilings.l2_gb_per_second = read_rate(buffer, sizes.l2, threads, seconds);
  ceilings.l3_gb_per_second = read_rate(buffer, sizes.l3, threads, seconds);
  ceilings.dram_gb_per_second = read_rate(buffer, sizes.dram_together / threads, threads, seconds);
  return ceilings;
}

// "32K" or "32M", as Linux writes the size of a cache.
std::size_t size_of(const std::string& text) {
  char* unit = nullptr;
  const std::size_t number = std::strtoull(text.c_str(), &unit, 10);
  if (*unit == 'K') return number << 10;
  if (*unit == 'M') return number << 20;
  return number;
}

std::string first_word(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

// What the C library knows of a cache, or else `common`.
std::size_t size_by_library(int name, std::size_t common) {
  const long bytes = sysconf(name);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : common;
}

// Where the kernel lists no caches, as in some virtual machines. The library's L3 is the whole
// host's there (508 MB have been seen), of which a core reaches what lies beside it: 16 to 32 MB on
// the CPUs that have so much.
CacheSizes sizes_by_library() {
  constexpr std::size_t kMostL3 = std::size_t{32} << 20;
  CacheSizes sizes;
  sizes.l1 = size_by_library(_SC_LEVEL1_DCACHE_SIZE, std::size_t{32} << 10);
  sizes.l2 = size_by_library(_SC_LEVEL2_CACHE_SIZE, std::size_t{1} << 20);
  sizes.l3 = std::min(kMostL3, size_by_library(_SC_LEVEL3_CACHE_SIZE, 0));
  return sizes;
}

CacheSizes sizes_by_kernel() {
  CacheSizes sizes;
  for (int index = 0; index < 8; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
    const std::string level = first_word(folder + "level");
    const std::size_t bytes = size_of(first_word(folder + "size"));
    if (level == "1" && first_word(folder + "type") == "Data") sizes.l1 = bytes;
    if (level == "2") sizes.l2 = bytes;
    if (level == "3") sizes.l3 = bytes;
  }
  return sizes;
}

}  // namespace

CacheSizes cache_sizes() {
  CacheSizes sizes = sizes_by_kernel();
  if (sizes.l1 == 0 || sizes.l2 == 0) sizes = sizes_by_library();
  sizes.l3 = std::max(sizes.l3, sizes.l2);
  return sizes;
}

MachineCeilings measure_ceilings(double seconds, std::size_t threads) {
  MachineCeilings result;
  result.caches = cache_sizes();
  result.threads = threads == 0 ? available_processors() : threads;
  const ReadSizes sizes = read_sizes(result.caches);
  // Filled, not merely allocated: pages never written all read from one page of zeros.
  const std::size_t bytes = std::max(sizes.dram_together, result.threads * sizes.l3);
  const AlignedVector<std::uint32_t> buffer(bytes / sizeof(std::uint32_t), 1);
  result.one_thread = measure_with(1, sizes, buffer, seconds);
  result.all_threads = result.threads == 1 ? result.one_thread
                                           : measure_with(result.threads, sizes, buffer, seconds);
  return result;
}

double measure_f32_peak(double seconds) { return peak_rate(run_f32_multiply_adds, 1, seconds); }

}  // namespace nibble
