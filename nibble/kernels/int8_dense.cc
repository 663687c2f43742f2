#include "nibble/kernels/int8_dense.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/int8_dense.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

#if NIBBLE_PLAIN_LOOPS

// One row and one panel. Four sums for each output, one for each input of a quad, let the compiler
// make vectors of the inner loop.
void panel_sums(const std::int8_t* codes, std::size_t width, const std::uint8_t* q,
                std::size_t inputs, std::int32_t offset, std::int32_t* sums) {
  for (std::size_t i = 0; i < inputs; i += 4, codes += width * 4) {
    std::int16_t four[4] = {};
    for (std::size_t j = 0; j < std::min<std::size_t>(4, inputs - i); ++j)
      four[j] = static_cast<std::int16_t>(q[i + j] - offset);
    for (std::size_t c = 0; c < width * 4; c += 4) {
      for (std::size_t j = 0; j < 4; ++j) {
        // NOLINTNEXTLINE(bugprone-signed-char-misuse): a number, not a character
        const std::int16_t code = codes[c + j];
        sums[c + j] += four[j] * code;
      }
    }
  }
}

void dense_int8(const QuantizedRows& x, const Int8Panels& weights, const Finish& finish,
                OutputRows y, std::int16_t* /*workspace*/) {
  for (std::size_t r = 0; r < x.rows; ++r) {
    const RowScale row = x.scales[r];
    for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
      std::int32_t sums[kPanelWidth * 4] = {};
      panel_sums(weights.panel(p), weights.shape.width(p), x.values + r * x.stride,
                 weights.shape.inputs, row.offset, sums);
      for (std::size_t c = 0; c < weights.shape.width(p); ++c) {
        const std::size_t o = p * kPanelWidth + c;
        const std::int32_t sum = sums[c * 4] + sums[c * 4 + 1] + sums[c * 4 + 2] + sums[c * 4 + 3];
        const float product = static_cast<float>(sum) * (row.scale * weights.scales[o]);
        const float value = product + finish.bias[o];
        y.values[r * y.stride + o] = finish.relu ? std::max(0.0F, value) : value;
      }
    }
  }
}

#else

// float(sum) * (row scale * scales[..]) + bias[..]
HWY_INLINE void finish_vector(I32Vec sum, float row_scale, const float* scales, const float* bias,
                              bool relu, float* out) {
  const F32Tag d;
  const F32Vec scale = hn::Mul(hn::Set(d, row_scale), hn::LoadU(d, scales));
  const F32Vec product = hn::Mul(hn::ConvertTo(d, sum), scale);
  hn::StoreU(rectified(hn::Add(product, hn::LoadU(d, bias)), relu), d, out);
}

// One panel.
struct PanelJob {
  QuantizedRows x;
  std::size_t quads;
  const std::int8_t* weights;
  std::size_t width;
  const float* scales;
  const std::int32_t* column_sums;
  Finish finish;
  OutputRows y;
};

#if NIBBLE_VNNI

struct ByteTiles {
  static constexpr std::size_t kVectors = 4;
  PanelJob job;

  // Quads begin, begin + step, ... of the inputs.
  template <std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void add_quad(const std::uint8_t* values, std::size_t quad, std::size_t column,
                           I32Vec (&sums)[kRows][kColumns]) const {
    const std::int8_t* w = job.weights + (quad * job.width + column) * 4;
    I8Vec codes[kColumns];
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) codes[c] = hn::LoadU(I8Tag(), w + c * kLanes * 4);
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      std::int32_t four;
      std::memcpy(&four, values + r * job.x.stride + quad * 4, 4);
      const U8Vec value = hn::BitCast(U8Tag(), hn::Set(I32Tag(), four));
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) add_quad_products(sums[r][c], value, codes[c]);
    }
  }

  // Two quads' weights, kAhead bytes further on: a single row is as fast as its weights come. Zen 4
  // reads L3 at its full 98 GB/s when an iteration asks for all its lines at once, 64 to 320 bytes
  // ahead; from 600 on, or without this, at 71.
  static constexpr std::size_t kAhead = 128;
  HWY_INLINE void prefetch(std::size_t quad, std::size_t column, std::size_t vectors) const {
    const std::int8_t* w = job.weights + (quad * job.width + column) * 4 + kAhead;
    for (std::size_t c = 0; c < vectors; ++c) {
      __builtin_prefetch(w + c * kLanes * 4);
      __builtin_prefetch(w + (job.width + c * kLanes) * 4);
    }
  }

  template <std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void store(std::size_t row, std::size_t column,
                        const I32Vec (&sums)[kRows][kColumns]) const {
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      const RowScale scale = job.x.scales[row + r];
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) {
        const std::size_t o = column + c * kLanes;
        const I32Vec shift =
            hn::Mul(hn::Set(I32Tag(), scale.offset), hn::LoadU(I32Tag(), job.column_sums + o));
        finish_vector(hn::Sub(sums[r][c], shift), scale.scale, job.scales + o, job.finish.bias + o,
                      job.finish.relu, job.y.values + (row + r) * job.y.stride + o);
      }
    }
  }

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t row, std::size_t column) const {
    I32Vec sums[kRows][kColumns];
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] = hn::Zero(I32Tag());
    }
    const std::uint8_t* values = job.x.values + row * job.x.stride;
    std::size_t quad = 0;
    if constexpr (kRows == 1) {
      // One row alone has too few sums to hide the latency: inputs go to two sets in turn.
      I32Vec more[kRows][kColumns];
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) more[0][c] = hn::Zero(I32Tag());
      for (; quad + 2 <= job.quads; quad += 2) {
        prefetch(quad, column, kColumns);
        add_quad(values, quad, column, sums);
        add_quad(values, quad + 1, column, more);
      }
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) sums[0][c] = hn::Add(sums[0][c], more[0][c]);
    }
    for (; quad < job.quads; ++quad) add_quad(values, quad, column, sums);
    store(row, column, sums);
  }
};

void cover_panel(const PanelJob& job, std::int16_t* /*workspace*/) {
  cover_columns<ByteTiles::kVectors>(ByteTiles{job}, job.x.rows, job.width);
}

void prepare(const QuantizedRows& /*x*/, std::size_t /*inputs*/, std::int16_t* /*workspace*/) {}

#else

// Without a byte dot product: weights and inputs widened to 16 bits and multiplied by PMADDWD. A
// vector of sums then holds two for each output.
struct WordTiles {
  static constexpr std::size_t kVectors = NIBBLE_AVX512 ? 2 : 1;
  static constexpr std::size_t kSingleVectors = NIBBLE_AVX512 ? 4 : 2;
  PanelJob job;
  const std::int16_t* values;  // rows of quads * 4

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t row, std::size_t column) const {
    const hn::Half<I8Tag> half;
    const hn::ScalableTag<std::int64_t> d64;
    I32Vec sums[kRows][2 * kColumns];
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < 2 * kColumns; ++c) sums[r][c] = hn::Zero(I32Tag());
    }
    const std::int8_t* w = job.weights + column * 4;
    for (std::size_t quad = 0; quad < job.quads; ++quad, w += job.width * 4) {
      I16Vec codes[2 * kColumns];
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < 2 * kColumns; ++c)
        codes[c] = hn::PromoteTo(I16Tag(), hn::LoadU(half, w + c * kLanes * 2));
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) {
        std::int64_t four;
        std::memcpy(&four, values + ((row + r) * job.quads + quad) * 4, 8);
        const I16Vec value = hn::BitCast(I16Tag(), hn::Set(d64, four));
        NIBBLE_UNROLL
        for (std::size_t c = 0; c < 2 * kColumns; ++c)
          sums[r][c] = add_pair_products(sums[r][c], value, codes[c]);
      }
    }
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) {
        const std::size_t o = column + c * kLanes;
        const I32Vec a = sums[r][2 * c];
        const I32Vec b = sums[r][2 * c + 1];
        const I32Vec sum = hn::Add(hn::ConcatEven(I32Tag(), b, a), hn::ConcatOdd(I32Tag(), b, a));
        finish_vector(sum, job.x.scales[row + r].scale, job.scales + o, job.finish.bias + o,
                      job.finish.relu, job.y.values + (row + r) * job.y.stride + o);
      }
    }
  }
};

void cover_panel(const PanelJob& job, std::int16_t* workspace) {
  const WordTiles tiles{job, workspace};
  if (job.x.rows == 1) {
    cover_single_row<WordTiles::kSingleVectors>(tiles, job.width);
  } else {
    cover_columns<WordTiles::kVectors>(tiles, job.x.rows, job.width);
  }
}

void prepare(const QuantizedRows& x, std::size_t inputs, std::int16_t* workspace) {
  const std::size_t stride = int8_dense_workspace(1, inputs);
  for (std::size_t r = 0; r < x.rows; ++r) {
    const std::uint8_t* q = x.values + r * x.stride;
    for (std::size_t i = 0; i < stride; ++i)
      workspace[r * stride + i] = static_cast<std::int16_t>(q[i] - x.scales[r].offset);
  }
}

#endif  // NIBBLE_VNNI

void dense_int8(const QuantizedRows& x, const Int8Panels& weights, const Finish& finish,
                OutputRows y, std::int16_t* workspace) {
  prepare(x, weights.shape.inputs, workspace);
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    cover_panel({x,
                 weights.quad_rows(),
                 weights.panel(p),
                 weights.shape.width(p),
                 weights.scales.data() + first,
                 weights.column_sums.data() + first,
                 {finish.bias + first, finish.relu},
                 {y.values + first, y.stride}},
                workspace);
  }
}

#endif  // NIBBLE_PLAIN_LOOPS

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

NIBBLE_EXPORT(dense_int8);

void int8_dense(const QuantizedRows& x, const Int8Panels& weights, const Finish& finish,
                OutputRows y, std::int16_t* workspace) {
  NIBBLE_DISPATCH(dense_int8)(x, weights, finish, y, workspace);
}

}  // namespace nibble
#endif  // HWY_ONCE
