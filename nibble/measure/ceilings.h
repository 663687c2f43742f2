// What this machine can do at most, measured in this process by loops that do nothing else
// (kernels/ceiling_peaks.h, kernels/ceiling_reads.h), so that a model's speed can be given as a
// fraction of it.
#pragma once

#include <cstddef>

namespace nibble {

// Bytes; from the kernel, else from the C library, else a common size.
struct CacheSizes {
  std::size_t l1 = 0;  // data, of one core
  std::size_t l2 = 0;  // of one core
  std::size_t l3 = 0;  // shared; equal to l2 where there is none
};
CacheSizes cache_sizes();

// Rates of all threads together. A multiply and an add are two operations. G is 10^9.
struct Ceilings {
  double f32_gflops = 0.0;
  double byte_dot_gops = 0.0;  // by the byte dot product of the level in use
  double bf16_gflops = 0.0;    // 0 where the level has no bf16 dot product
  double l1_gb_per_second = 0.0;
  double l2_gb_per_second = 0.0;
  double l3_gb_per_second = 0.0;
  double dram_gb_per_second = 0.0;
};

struct MachineCeilings {
  CacheSizes caches;
  std::size_t threads = 1;  // that all_threads was measured with
  Ceilings one_thread;
  Ceilings all_threads;
};

// Takes about `seconds` for each of 7 figures on one thread and on `threads` together (0: all
// processors), and up to 256 MB for the time.
MachineCeilings measure_ceilings(double seconds, std::size_t threads);

// f32_gflops of one thread alone: measured again later, it tells whether the machine is as fast as
// it was.
double measure_f32_peak(double seconds);

}  // namespace nibble
