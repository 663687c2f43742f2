#include "nibble/kernels/float_dense.h"

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/cpu_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/float_dense.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/float_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

template <typename Load>
void dense(const FloatRows& x, const Panels<typename Load::Stored>& weights, const Finish& finish,
           OutputRows y) {
  using Tiles = FloatTiles<Load>;
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const Tiles tiles{x,
                      weights.shape.inputs,
                      weights.panel(p),
                      weights.shape.width(p),
                      {finish.bias + first, finish.relu},
                      {y.values + first, y.stride}};
    cover_all(tiles, x.rows, tiles.width);
  }
}

// One row and one panel. Eight vectors with 16 registers, to have eight chains in flight.
template <typename Load>
struct RowTiles {
  static constexpr std::size_t kVectors = NIBBLE_AVX512 ? 4 : 8;

  SparseRow x;
  const typename Load::Stored* weights;
  std::size_t width;
  Finish finish;
  float* y;

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t /*row*/, std::size_t column) const {
    const F32Tag d;
    F32Vec sums[1][kColumns];
    start_tile(finish.bias + column, sums);
    for (std::size_t i = 0; i < x.count; ++i) {
      const typename Load::Stored* w = weights + x.columns[i] * width + column;
      const F32Vec value = hn::Set(d, x.values[i]);
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        sums[0][c] = fused(value, Load::load(w + c * kLanes), sums[0][c]);
    }
    store_tile(sums, finish.relu, y + column, 0);
  }
};

template <typename Load>
void dense_row(const SparseRow& x, const Panels<typename Load::Stored>& weights,
               const Finish& finish, float* y) {
  using Tiles = RowTiles<Load>;
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const Tiles tiles{
        x, weights.panel(p), weights.shape.width(p), {finish.bias + first, finish.relu}, y + first};
    cover_few_rows<1, Tiles::kVectors>(tiles, tiles.width);
  }
}

#if NIBBLE_AVX512
struct WidenF16 {
  const F16Panels& weights;
  void operator()(std::size_t panel, std::size_t first, std::size_t count, float* to) const {
    const std::size_t width = weights.shape.width(panel);
    const std::uint16_t* from = weights.panel(panel) + first * width;
    for (std::size_t i = 0; i < count * width; i += kLanes)
      hn::StoreU(LoadF16::load(from + i), F32Tag(), to + i);
  }
};
#endif

bool narrow_floats_fast() { return HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2; }

void dense_f32(const FloatRows& x, const F32Panels& weights, const Finish& finish, OutputRows y) {
  dense<LoadF32>(x, weights, finish, y);
}

void dense_f16(const FloatRows& x, const F16Panels& weights, const Finish& finish, OutputRows y,
               [[maybe_unused]] std::uint32_t* workspace) {
#if NIBBLE_AVX512
  if (x.rows >= kRowsToWidenFor && widening_delays_products())
    return dense_widened_once(x, weights.shape, finish, y, reinterpret_cast<float*>(workspace),
                              WidenF16{weights});
#endif
  dense<LoadF16>(x, weights, finish, y);
}

void dense_row_f32(const SparseRow& x, const F32Panels& weights, const Finish& finish, float* y) {
  dense_row<LoadF32>(x, weights, finish, y);
}

void dense_row_f16(const SparseRow& x, const F16Panels& weights, const Finish& finish, float* y) {
  dense_row<LoadF16>(x, weights, finish, y);
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

NIBBLE_EXPORT(narrow_floats_fast);
NIBBLE_EXPORT(dense_f32);
NIBBLE_EXPORT(dense_f16);
NIBBLE_EXPORT(dense_row_f32);
NIBBLE_EXPORT(dense_row_f16);

void f32_dense(const FloatRows& x, const F32Panels& weights, const Finish& finish, OutputRows y) {
  in_row_blocks(x.rows, [&](std::size_t first, std::size_t rows) {
    NIBBLE_DISPATCH(dense_f32)(x.slice(first, rows), weights, finish, y.from(first));
  });
}

void f16_dense(const FloatRows& x, const F16Panels& weights, const Finish& finish, OutputRows y,
               std::uint32_t* workspace) {
  in_row_blocks(x.rows, [&](std::size_t first, std::size_t rows) {
    NIBBLE_DISPATCH(dense_f16)(x.slice(first, rows), weights, finish, y.from(first), workspace);
  });
}

bool narrow_floats_are_fast() { return NIBBLE_DISPATCH(narrow_floats_fast)(); }

void f32_dense_row(const SparseRow& x, const F32Panels& weights, const Finish& finish, float* y) {
  NIBBLE_DISPATCH(dense_row_f32)(x, weights, finish, y);
}

void f16_dense_row(const SparseRow& x, const F16Panels& weights, const Finish& finish, float* y) {
  NIBBLE_DISPATCH(dense_row_f16)(x, weights, finish, y);
}

}  // namespace nibble
#endif  // HWY_ONCE
