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
      add_input<true>(values + i, w, sums);
      if (i + 1 == inputs) break;
      // Makes the compiler load the pairs anew: kept, they would push sums out of 16 registers.
      asm("" : "+r"(w));
      add_input<false>(values + i + 1, w, sums);
    }
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      float* out = y.values + (row + r) * y.stride + column;
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        hn::StoreU(rectified(sums[r][c], finish.relu), d, out + c * kLanes);
    }
  }

  template <bool kUpper, std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void add_input(const float* values, const std::uint32_t* w,
                            F32Vec (&sums)[kRows][kColumns]) const {
    F32Vec loaded[kColumns];
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) {
      const U32Vec pairs = hn::LoadU(U32Tag(), w + c * kLanes);
      loaded[c] = kUpper ? upper_half(pairs) : lower_half(pairs);
    }
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      const F32Vec value = hn::Set(F32Tag(), values[r * x.stride]);
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        sums[r][c] = hn::MulAdd(value, loaded[c], sums[r][c]);
    }
  }
};

#if NIBBLE_VNNI

// One panel, inputs rounded to pairs of bfloat16.
struct DotTiles {
  static constexpr std::size_t kVectors = 4;

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

#endif  // NIBBLE_VNNI

// How one entry of a single row meets a vector of pairs.
struct WidenedEntry {
  // An input; its weights are the upper half of the word if it is even.
  F32Vec value;
  std::size_t row;
  int shift;
  HWY_INLINE WidenedEntry(std::uint32_t input, std::uint32_t bits)
      : value(hn::BitCast(F32Tag(), hn::Set(U32Tag(), bits))),
        row(input / 2),
        shift(input % 2 == 0 ? 0 : 16) {}
  HWY_INLINE void add_to(F32Vec& sum, U32Vec pairs) const {
    sum = hn::MulAdd(value, upper_half(hn::ShiftLeftSame(pairs, shift)), sum);
  }
};

#if NIBBLE_VNNI
struct RoundedEntry {
  U32Vec values;  // a pair of inputs
  std::size_t row;
  HWY_INLINE RoundedEntry(std::uint32_t pair, std::uint32_t bits)
      : values(hn::Set(U32Tag(), bits)), row(pair) {}
  HWY_INLINE void add_to(F32Vec& sum, U32Vec pairs) const { add_bf16_products(sum, values, pairs); }
};
#endif

// One row and one panel.
template <typename Entry>
struct RowTiles {
  static constexpr std::size_t kVectors = NIBBLE_AVX512 ? 4 : 8;

  const std::uint32_t* positions;
  const std::uint32_t* values;
  std::size_t count;
  const std::uint32_t* weights;
  std::size_t width;
  Finish finish;
  float* y;

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t /*row*/, std::size_t column) const {
    const F32Tag d;
    F32Vec sums[kColumns];
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c)
      sums[c] = hn::LoadU(d, finish.bias + column + c * kLanes);
    for (std::size_t i = 0; i < count; ++i) {
      const Entry entry(positions[i], values[i]);
      const std::uint32_t* w = weights + entry.row * width + column;
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        entry.add_to(sums[c], hn::LoadU(U32Tag(), w + c * kLanes));
    }
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c)
      hn::StoreU(rectified(sums[c], finish.relu), d, y + column + c * kLanes);
  }
};

// words: the row, as float32 or as pairs.
template <typename Entry>
void single_row(const std::uint32_t* words, std::size_t count, const Bf16Panels& weights,
                const Finish& finish, float* y, std::uint32_t* workspace) {
  std::uint32_t* positions = workspace;
  std::uint32_t* values = workspace + count + kNonZeroSlack;
  const std::size_t found = find_used_words(words, count, count, positions, values);
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const RowTiles<Entry> tiles{positions,
                                values,
                                found,
                                weights.panel(p),
                                weights.shape.width(p),
                                {finish.bias + first, finish.relu},
                                y + first};
    cover_single_row<RowTiles<Entry>::kVectors>(tiles, tiles.width);
  }
}

#if NIBBLE_VNNI

void dense_dots(const FloatRows& x, const Bf16Panels& weights, const Finish& finish, OutputRows y,
                std::uint32_t* workspace) {
  const std::size_t pairs = weights.pair_rows();
  const std::size_t stride = round_up(pairs, kStripWidth);
  for (std::size_t r = 0; r < x.rows; ++r)
    round_to_pairs(x.values + r * x.stride, weights.shape.inputs, workspace + r * stride);
  if (x.rows == 1)
    return single_row<RoundedEntry>(workspace, pairs, weights, finish, y.values,
                                    workspace + stride);
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const DotTiles tiles{workspace,
                         stride,
                         pairs,
                         weights.panel(p),
                         weights.shape.width(p),
                         {finish.bias + first, finish.relu},
                         {y.values + first, y.stride}};
    cover_columns<DotTiles::kVectors>(tiles, x.rows, tiles.width);
  }
}

#endif  // NIBBLE_VNNI

void dense_widened(const FloatRows& x, const Bf16Panels& weights, const Finish& finish,
                   OutputRows y, std::uint32_t* workspace) {
  if (x.rows == 1)
    return single_row<WidenedEntry>(reinterpret_cast<const std::uint32_t*>(x.values),
                                    weights.shape.inputs, weights, finish, y.values, workspace);
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const WidenedTiles tiles{x,
                             weights.shape.inputs,
                             weights.panel(p),
                             weights.shape.width(p),
                             {finish.bias + first, finish.relu},
                             {y.values + first, y.stride}};
    cover_columns<WidenedTiles::kVectors>(tiles, x.rows, tiles.width);
  }
}

void dense_bf16(const FloatRows& x, const Bf16Panels& weights, const Finish& finish, OutputRows y,
                std::uint32_t* workspace) {
#if NIBBLE_VNNI
  if (bf16_dots_in_use()) return dense_dots(x, weights, finish, y, workspace);
#endif
  dense_widened(x, weights, finish, y, workspace);
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
