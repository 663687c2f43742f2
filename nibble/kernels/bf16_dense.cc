#include "nibble/kernels/bf16_dense.h"

#include <bit>
#include <cstddef>
#include <cstdint>

#include "nibble/kernels/cpu_level.h"
#include "nibble/kernels/cpu_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/bf16_dense.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/bf16-inl.h"
#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/float_tiles-inl.h"

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
    F32Vec sums[kRows][kColumns];
    start_tile(finish.bias + column, sums);
    const float* values = x.values + row * x.stride;
    const std::uint32_t* w = weights + column;
    for (std::size_t i = 0; i < inputs; i += 2, w += width) {
      add_input<true>(values + i, w, sums);
      if (i + 1 == inputs) break;
      // Makes the compiler load the pairs anew: kept, they would push sums out of 16 registers.
      asm("" : "+r"(w));
      add_input<false>(values + i + 1, w, sums);
    }
    store_tile(sums, finish.relu, y.values + row * y.stride + column, y.stride);
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
      for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] = fused(value, loaded[c], sums[r][c]);
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
    F32Vec sums[kRows][kColumns];
    start_tile(finish.bias + column, sums);
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
    store_tile(sums, finish.relu, y.values + row * y.stride + column, y.stride);
  }
};

#endif  // NIBBLE_VNNI

// The pairs of inputs of a single row that are not both zero, and how one meets a vector of
// weights.
struct WidenedPairs {
  const std::uint32_t* positions;
  const float* values;  // two for each pair
  std::size_t count;

  HWY_INLINE std::size_t pair(std::size_t i) const { return positions[i]; }
  template <std::size_t kColumns>
  HWY_INLINE void add(std::size_t i, const std::uint32_t* w, F32Vec (&sums)[kColumns]) const {
    const F32Vec even = hn::Set(F32Tag(), values[2 * i]);
    const F32Vec odd = hn::Set(F32Tag(), values[2 * i + 1]);
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) {
      const U32Vec pairs = hn::LoadU(U32Tag(), w + c * kLanes);
      sums[c] = fused(even, upper_half(pairs), sums[c]);
      sums[c] = fused(odd, lower_half(pairs), sums[c]);
    }
  }
};

#if NIBBLE_VNNI
struct RoundedPairs {
  const std::uint32_t* positions;
  const std::uint32_t* values;
  std::size_t count;

  HWY_INLINE std::size_t pair(std::size_t i) const { return positions[i]; }
  template <std::size_t kColumns>
  HWY_INLINE void add(std::size_t i, const std::uint32_t* w, F32Vec (&sums)[kColumns]) const {
    const U32Vec value = hn::Set(U32Tag(), values[i]);
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c)
      add_bf16_products(sums[c], value, hn::LoadU(U32Tag(), w + c * kLanes));
  }
};
#endif

// One row and one panel.
template <typename Pairs>
struct RowTiles {
  static constexpr std::size_t kVectors = NIBBLE_AVX512 ? 4 : 8;

  Pairs x;
  const std::uint32_t* weights;
  std::size_t width;
  Finish finish;
  float* y;

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t /*row*/, std::size_t column) const {
    F32Vec sums[1][kColumns];
    start_tile(finish.bias + column, sums);
    for (std::size_t i = 0; i < x.count; ++i)
      x.add(i, weights + x.pair(i) * width + column, sums[0]);
    store_tile(sums, finish.relu, y + column, 0);
  }
};

template <typename Pairs>
void single_row(const Pairs& x, const Bf16Panels& weights, const Finish& finish, float* y) {
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const RowTiles<Pairs> tiles{
        x, weights.panel(p), weights.shape.width(p), {finish.bias + first, finish.relu}, y + first};
    cover_few_rows<1, RowTiles<Pairs>::kVectors>(tiles, tiles.width);
  }
}

#if NIBBLE_VNNI

void dense_dots(const FloatRows& x, const Bf16Panels& weights, const Finish& finish, OutputRows y,
                std::uint32_t* workspace) {
  const std::size_t pairs = weights.pair_rows();
  const std::size_t stride = round_up(pairs, kStripWidth);
  for (std::size_t r = 0; r < x.rows; ++r)
    round_to_pairs(x.values + r * x.stride, weights.shape.inputs, workspace + r * stride);
  if (x.rows == 1) {
    std::uint32_t* positions = workspace + stride;
    std::uint32_t* values = positions + pairs + kNonZeroSlack;
    const std::size_t count = find_used_words(workspace, pairs, pairs, positions, values);
    return single_row(RoundedPairs{positions, values, count}, weights, finish, y.values);
  }
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

// Zero by its bits, as find_used_words has it.
bool is_zero(float value) { return (std::bit_cast<std::uint32_t>(value) << 1U) == 0; }

WidenedPairs used_pairs(const float* row, std::size_t inputs, std::uint32_t* workspace) {
  std::uint32_t* positions = workspace;
  auto* values = reinterpret_cast<float*>(workspace + (inputs + 1) / 2);
  std::size_t count = 0;
  for (std::size_t i = 0; i < inputs; i += 2) {
    const float odd = i + 1 < inputs ? row[i + 1] : 0.0F;
    positions[count] = static_cast<std::uint32_t>(i / 2);
    values[2 * count] = row[i];
    values[2 * count + 1] = odd;
    count += is_zero(row[i]) && is_zero(odd) ? 0 : 1;
  }
  return {positions, values, count};
}

#if NIBBLE_AVX512
struct WidenBf16 {
  const Bf16Panels& weights;
  void operator()(std::size_t panel, std::size_t first, std::size_t count, float* to) const {
    const std::size_t width = weights.shape.width(panel);
    const std::uint32_t* from = weights.panel(panel) + first / 2 * width;
    for (std::size_t i = 0; i < count; i += 2, from += width, to += 2 * width) {
      for (std::size_t c = 0; c < width; c += kLanes) {
        const U32Vec pairs = hn::LoadU(U32Tag(), from + c);
        hn::StoreU(upper_half(pairs), F32Tag(), to + c);
        hn::StoreU(lower_half(pairs), F32Tag(), to + width + c);
      }
    }
  }
};
#endif

void dense_widened(const FloatRows& x, const Bf16Panels& weights, const Finish& finish,
                   OutputRows y, std::uint32_t* workspace) {
  if (x.rows == 1)
    return single_row(used_pairs(x.values, weights.shape.inputs, workspace), weights, finish,
                      y.values);
#if NIBBLE_AVX512
  if (x.rows >= kRowsToWidenFor && widening_delays_products())
    return dense_widened_once(x, weights.shape, finish, y, reinterpret_cast<float*>(workspace),
                              WidenBf16{weights});
#endif
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

NIBBLE_EXPORT(dense_bf16);

void bf16_dense(const FloatRows& x, const Bf16Panels& weights, const Finish& finish, OutputRows y,
                std::uint32_t* workspace) {
  in_row_blocks(x.rows, [&](std::size_t first, std::size_t rows) {
    NIBBLE_DISPATCH(dense_bf16)(x.slice(first, rows), weights, finish, y.from(first), workspace);
  });
}

}  // namespace nibble
#endif  // HWY_ONCE
