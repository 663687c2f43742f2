// Random numbers in three forms.
//
// NumpyRandom: MT19937 as numpy.random.RandomState seeds and draws it, so that a split is
// scikit-learn's split. TorchRandom: MT19937 as torch.manual_seed seeds and Tensor.uniform_ draws
// it, so that a seed gives the initial weights it gives in PyTorch. philox: a counter-based
// generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11). The number that
// belongs to (seed, stream, index) can be computed by any thread in any order, which is what makes
// training give the same bytes for every thread count.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace nibble {

class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : engine_(seed) {}
  // Uniform in 0..max inclusive by mask and rejection: numpy's legacy `random_interval`, 32-bit
  // form.
  std::uint32_t interval(std::uint32_t max);
  // numpy.random.RandomState(seed).permutation(count)
  std::vector<std::size_t> permutation(std::size_t count);

 private:
  std::mt19937 engine_;
};

class TorchRandom {
 public:
  explicit TorchRandom(std::uint32_t seed) : engine_(seed) {}
  // Tensor.uniform_(-bound, bound) on float32: 24 low bits of each word as u in [0, 1), then
  // u * 2 bound - bound rounded once, which is what PyTorch's kernels do on a CPU with fused
  // multiply-add (AVX2 and newer).
  void fill_uniform(std::span<float> values, float bound);

 private:
  std::mt19937 engine_;
};

// One stream per purpose: two purposes never see the same numbers.
enum class RandomStream : std::uint32_t { kSplit = 1, kShuffle = 2, kDropout = 3, kSample = 4 };

struct RandomKey {
  std::uint32_t seed = 0;
  RandomStream stream = RandomStream::kSample;
};

// Philox4x32-10: four uniform 32-bit words for this key and counter.
std::array<std::uint32_t, 4> philox(RandomKey key, std::uint64_t counter_low,
                                    std::uint64_t counter_high = 0);

// Uniform in [0, 1) with 24 bits, every value exactly representable.
inline float unit_float(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24F; }

// Fisher-Yates permutation of 0..count-1 from philox words; `round` is the epoch.
std::vector<std::uint32_t> shuffled_order(std::size_t count, std::uint32_t seed,
                                          std::uint64_t round);

}  // namespace nibble
