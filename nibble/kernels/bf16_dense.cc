#include "nibble/kernels/bf16_dense.h"

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/cpu_level.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/bf16_dense.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/bf16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// One panel, inputs in float32.
struct WidenedTiles {
  static constexpr std::size_t kVectors = NIBBLE_AVX512 ? 4 : 2;
  static constexpr std::size_t kSingleVectors = NIBBLE_AVX512 ? 4 : 8;

  FloatRows x;
  std::size_t inputs;
  const std::uint32_t* weights;
  std::size_t width;
  Finish finish;
  OutputRows y;

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t row, std::size_t column) const {
    const F32Tag d;
    F32Vec sums[kRows][kColumns];
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) {
      const F32Vec bias = hn::LoadU(d, finish.bias + column + c * kLanes);
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) sums[r][c] = bias;
    }
    const float* values = x.values + row * x.stride;
    const std::uint32_t* w = weights + column;
    for (std::size_t i = 0; i < inputs; i += 2, w += width) {
      U32Vec pairs[kColumns];
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) pairs[c] = hn::LoadU(U32Tag(), w + c * kLanes);
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) {
        const F32Vec value = hn::Set(d, values[r * x.stride + i]);
        NIBBLE_UNROLL
        for (std::size_t c = 0; c < kColumns; ++c)
          sums[r][c] = hn::MulAdd(value, upper_half(pairs[c]), sums[r][c]);
      }
      if (i + 1 == inputs) break;
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) {
        const F32Vec value = hn::Set(d, values[r * x.stride + i + 1]);
        NIBBLE_UNROLL
        for (std::size_t c = 0; c < kColumns; ++c)
          sums[r][c] = hn::MulAdd(value, lower_half(pairs[c]), sums[r][c]);
      }
    }
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      float* out = y.values + (row + r) * y.stride + column;
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        hn::StoreU(rectified(sums[r][c], finish.relu), d, out + c * kLanes);
    }
  }
};

#if NIBBLE_VNNI

// One panel, inputs rounded to pairs of bfloat16.
struct DotTiles {
  static constexpr std::size_t kVectors = 4;
  static constexpr std::size_t kSingleVectors = 4;

  const std::uint32_t* x;
  std::size_t stride;
  std::size_t pair_rows;
  const std::uint32_t* weights;
  std::size_t width;
  Finish finish;
  OutputRows y;

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t row, std::size_t column) const {
    const F32Tag d;
    F32Vec sums[kRows][kColumns];
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) {
      const F32Vec bias = hn::LoadU(d, finish.bias + column + c * kLanes);
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) sums[r][c] = bias;
    }
    const std::uint32_t* values = x + row * stride;
    const std::uint32_t* w = weights + column;
    for (std::size_t i = 0; i < pair_rows; ++i, w += width) {
      U32Vec pairs[kColumns];
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) pairs[c] = hn::LoadU(U32Tag(), w + c * kLanes);
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) {
        const U32Vec value = hn::Set(U32Tag(), values[r * stride + i]);
        NIBBLE_UNROLL
        for (std::size_t c = 0; c < kColumns; ++c) add_bf16_products(sums[r][c], value, pairs[c]);
      }
    }
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      float* out = y.values + (row + r) * y.stride + column;
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        hn::StoreU(rectified(sums[r][c], finish.relu), d, out + c * kLanes);
    }
  }
};

void dense_dots(const FloatRows& x, const Bf16Panels& weights, const Finish& finish, OutputRows y,
                std::uint32_t* workspace) {
  const std::size_t stride = bf16_dense_workspace(1, weights.shape.inputs);
  for (std::size_t r = 0; r < x.rows; ++r)
    round_to_pairs(x.values + r * x.stride, weights.shape.inputs, workspace + r * stride);
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const DotTiles tiles{workspace,
                         stride,
                         weights.pair_rows(),
                         weights.panel(p),
                         weights.shape.width(p),
                         {finish.bias + first, finish.relu},
                         {y.values + first, y.stride}};
    cover_columns<DotTiles::kVectors>(tiles, x.rows, tiles.width);
  }
}

#endif  // NIBBLE_VNNI

void dense_widened(const FloatRows& x, const Bf16Panels& weights, const Finish& finish,
                   OutputRows y) {
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const WidenedTiles tiles{x,
                             weights.shape.inputs,
                             weights.panel(p),
                             weights.shape.width(p),
                             {finish.bias + first, finish.relu},
                             {y.values + first, y.stride}};
    if (x.rows == 1) {
      cover_single_row<WidenedTiles::kSingleVectors>(tiles, tiles.width);
    } else {
      cover_columns<WidenedTiles::kVectors>(tiles, x.rows, tiles.width);
    }
  }
}

void dense_bf16(const FloatRows& x, const Bf16Panels& weights, const Finish& finish, OutputRows y,
                std::uint32_t* workspace) {
#if NIBBLE_VNNI
  if (bf16_dots_in_use()) return dense_dots(x, weights, finish, y, workspace);
#endif
  static_cast<void>(workspace);
  dense_widened(x, weights, finish, y);
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

HWY_EXPORT(dense_bf16);

void bf16_dense(const FloatRows& x, const Bf16Panels& weights, const Finish& finish, OutputRows y,
                std::uint32_t* workspace) {
  HWY_DYNAMIC_DISPATCH(dense_bf16)(x, weights, finish, y, workspace);
}

}  // namespace nibble
#endif  // HWY_ONCE
