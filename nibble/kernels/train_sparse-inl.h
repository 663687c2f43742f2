// What all kernels on the touched rows of a sparse batch share. Included once per CPU level, hence
// the guard that toggles.
#if defined(NIBBLE_KERNELS_TRAIN_SPARSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_KERNELS_TRAIN_SPARSE_INL_H_
#undef NIBBLE_KERNELS_TRAIN_SPARSE_INL_H_
#else
#define NIBBLE_KERNELS_TRAIN_SPARSE_INL_H_
#endif

#include <type_traits>

#include "hwy/highway.h"

#include "nibble/kernels/adam-inl.h"
#include "nibble/kernels/train_sparse.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {

// A record is worked in pieces that stay in registers: 128 columns are 8 vectors of AVX-512.
inline constexpr std::size_t kVectors = 8;

HWY_INLINE float* record_of(const ColumnBlock& block, std::size_t feature) {
  return block.records + feature * block.stride;
}

// Calls work<vectors>(column) for pieces of kVectors vectors, then of one.
template <typename Work>
HWY_INLINE void for_each_piece(std::size_t columns, const Work& work) {
  const std::size_t lanes = hn::Lanes(TrainTag());
  std::size_t column = 0;
  for (; column + kVectors * lanes <= columns; column += kVectors * lanes)
    work(std::integral_constant<std::size_t, kVectors>(), column);
  for (; column < columns; column += lanes) work(std::integral_constant<std::size_t, 1>(), column);
}

// The caller walks records in memory's random order: ask for one well before its turn. Six of 1.5
// KB are 9 KB of L1; with two, the reference training took 7 % longer on one thread of a Zen 5 and
// 3 % on two, with eight to twelve as long as with six.
inline constexpr std::size_t kAhead = 6;

// A line that will be written: asked for as one's own. Beside another thread, whose records lie
// next to these and whose core may have fetched a line too many, the copy would otherwise have to
// be taken from it at the write; two threads take 2 to 6 % less time for the reference training on
// Zen 5, one the same. GCC 12 has no PREFETCHW for __builtin_prefetch; CPUs that lack it do
// nothing.
HWY_INLINE void prefetch_to_write(const float* line) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  asm volatile("prefetchw %0" : : "m"(*line));
#else
  __builtin_prefetch(line, 1);
#endif
}

// `to_read`: for the forward pass, which reads moments only where something is left to catch up.
HWY_INLINE void prefetch_record(const SparseBatch& batch, const ColumnBlock& block,
                                std::size_t index, bool to_read = false) {
  if (index >= batch.touched_count) return;
  const TouchedFeature& touched = batch.touched[index];
  const float* record = record_of(block, touched.feature);
  const bool weights_alone = to_read && touched.catch_up.does_nothing();
  const std::size_t floats = (weights_alone ? 1 : 3) * block.columns;
  for (std::size_t i = 0; i < floats; i += kTrainLanes) {
    if (to_read) {
      __builtin_prefetch(record + i);
    } else {
      prefetch_to_write(record + i);
    }
  }
}

// One piece of a touched feature's gradient, sum of value * dy[row].
template <std::size_t N>
HWY_INLINE void gradient_piece(const SparseBatch& batch, const TouchedFeature& touched,
                               const float* dy, std::size_t stride, TrainVec* g) {
  const TrainTag d;
  const std::size_t lanes = hn::Lanes(d);
  const Occurrence* occurrence = batch.occurrences + touched.first;
  for (std::size_t i = 0; i < N; ++i) g[i] = hn::Zero(d);
  for (std::uint32_t o = 0; o < touched.count; ++o, ++occurrence) {
    const TrainVec value = hn::Set(d, occurrence->value);
    const float* row = dy + occurrence->row * stride;
    for (std::size_t i = 0; i < N; ++i)
      g[i] = hn::MulAdd(value, hn::Load(d, row + i * lanes), g[i]);
  }
}

}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
