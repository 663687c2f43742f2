// Register tiles of float sums, compiled once per CPU level; and 16-bit weights multiplied as
// float32.
#if defined(NIBBLE_KERNELS_FLOAT_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_KERNELS_FLOAT_TILES_INL_H_
#undef NIBBLE_KERNELS_FLOAT_TILES_INL_H_
#else
#define NIBBLE_KERNELS_FLOAT_TILES_INL_H_
#endif

#include <algorithm>
#include <cstddef>

#include "nibble/kernels/weight_loads-inl.h"
#include "nibble/kernels/widened.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// One panel. With AVX-512, 6 rows x 4 vectors are 24 sums of 32 registers; with 16 registers, 6 x 2
// are 12.
template <typename Load>
struct FloatTiles {
  static constexpr std::size_t kVectors = NIBBLE_AVX512 ? 4 : 2;
  static constexpr std::size_t kSingleVectors = NIBBLE_AVX512 ? 4 : 8;
  // Inputs. A tile of half the panel's width or less skips the rest, and the hardware does not see
  // the next step coming.
  static constexpr std::size_t kAhead = 16;

  FloatRows x;
  std::size_t inputs;
  const typename Load::Stored* weights;
  std::size_t width;
  Finish finish;
  OutputRows y;
  bool continues = false;  // from what y holds, not from the bias

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t row, std::size_t column) const {
    const F32Tag d;
    F32Vec sums[kRows][kColumns];
    start_tile(finish.bias + column, sums);
    if (continues) load_tile(y.values + row * y.stride + column, y.stride, sums);
    const float* values = x.values + row * x.stride;
    const typename Load::Stored* w = weights + column;
    for (std::size_t i = 0; i < inputs; ++i, w += width) {
      if (!NIBBLE_AVX512) __builtin_prefetch(w + kAhead * width);
      F32Vec loaded[kColumns];
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) loaded[c] = Load::load(w + c * kLanes);
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) {
        const F32Vec value = hn::Set(d, values[r * x.stride + i]);
        NIBBLE_UNROLL
        for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] = fused(value, loaded[c], sums[r][c]);
      }
    }
    store_tile(sums, finish.relu, y.values + row * y.stride + column, y.stride);
  }
};

// Dense rows times 16-bit weights that are widened a piece of a panel at a time, not in every tile.
// widen(panel, first input, count, to) writes to[count][width of the panel].
template <typename Widen>
void dense_widened_once(const FloatRows& x, const PanelShape& shape, const Finish& finish,
                        OutputRows y, float* workspace, const Widen& widen) {
  using Tiles = FloatTiles<LoadF32>;
  for (std::size_t p = 0; p < shape.panels(); ++p) {
    const std::size_t output = p * kPanelWidth;
    std::size_t first = 0;
    do {
      const std::size_t count = std::min(kWidenedInputs, shape.inputs - first);
      const bool last = first + count == shape.inputs;
      widen(p, first, count, workspace);
      const Tiles tiles{{x.values + first, x.stride, x.rows},
                        count,
                        workspace,
                        shape.width(p),
                        {finish.bias + output, finish.relu && last},
                        {y.values + output, y.stride},
                        first > 0};
      cover_columns<Tiles::kVectors>(tiles, x.rows, tiles.width);
      first += count;
    } while (first < shape.inputs);
  }
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
