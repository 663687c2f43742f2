#include "nibble/kernels/int8_dense.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nibble/kernels/cpu_targets.h"
#include "nibble/kernels/panel_order.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/int8_dense.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/split_rows-inl.h"

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
                OutputRows y, std::uint32_t* /*workspace*/) {
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
  // [rows][kPanelWidth], what the sums begin with; null with VNNI, where they begin with zero
  const std::int32_t* starts;
  bool ask_ahead;  // for the weights of a single row

  const std::int8_t* quad_weights(std::size_t quad, std::size_t column) const {
    return weights + (quad * width + column) * 4;
  }
};

// With 16 registers, 6 rows x 2 vectors are 12 sums; a single row takes its whole panel at once.
struct ByteTiles {
  static constexpr std::size_t kVectors = NIBBLE_AVX512 ? 4 : 2;
  static constexpr std::size_t kSingleVectors = NIBBLE_AVX512 ? 4 : 8;
  PanelJob job;

  // Columns whose weights are loaded once for all rows; the others' are read again for every row.
  // Beside the sums, 16 registers hold the inputs, the ones and a product.
  static constexpr std::size_t kept_in_registers(std::size_t rows, std::size_t columns) {
    if (NIBBLE_AVX512) return columns;
    return rows == 1 ? 0 : std::min(columns, 13 - rows * columns);
  }

  template <std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void add_quad(const std::uint8_t* values, const std::int8_t* w,
                           I32Vec (&sums)[kRows][kColumns]) const {
    constexpr std::size_t kKept = kept_in_registers(kRows, kColumns);
    I8Vec codes[kKept == 0 ? 1 : kKept];
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kKept; ++c) codes[c] = hn::LoadU(I8Tag(), w + c * kLanes * 4);
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      const U8Vec value = four_bytes(values + r * job.x.stride);
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kKept; ++c) add_quad_products(sums[r][c], value, codes[c]);
      NIBBLE_UNROLL
      for (std::size_t c = kKept; c < kColumns; ++c)
        add_quad_products(sums[r][c], value, w + c * kLanes * 4);
    }
  }

  // Two quads' weights, kAhead bytes further on: a single row is as fast as its weights come. Zen 4
  // reads L3 at its full 98 GB/s when an iteration asks for all its lines at once, 64 to 320 bytes
  // ahead; from 600 on, or without this, at 71. Only where streamed_requests_pay().
  static constexpr std::size_t kAhead = 128;
  HWY_INLINE void prefetch(const std::int8_t* w, std::size_t vectors) const {
    for (std::size_t c = 0; c < vectors; ++c) {
      __builtin_prefetch(w + kAhead + c * kLanes * 4);
      __builtin_prefetch(w + kAhead + (job.width + c * kLanes) * 4);
    }
  }

  // A tile that takes a part of the panel's width skips the rest of it, and the hardware does not
  // see the next step coming: 4 % of a batch.
  static constexpr std::size_t kQuadsAhead = 8;

  // What the outputs need, copied first: for all that the compiler knows, a store to y changes the
  // job, and it reads everything again for each vector (6 % of a tile).
  template <std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void store(std::size_t row, std::size_t column,
                        I32Vec (&sums)[kRows][kColumns]) const {
    const float* scales = job.scales + column;
    const float* bias = job.finish.bias + column;
    const bool relu = job.finish.relu;
    const std::size_t stride = job.y.stride;
    float* out = job.y.values + row * stride + column;
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r, out += stride) {
      const RowScale scale = job.x.scales[row + r];
      if (scale.offset != 0) take_offset(scale.offset, column, sums[r]);
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        finish_vector(sums[r][c], scale.scale, scales + c * kLanes, bias + c * kLanes, relu,
                      out + c * kLanes);
    }
  }

  // A row's sums less its offset times the sums of the weights.
  template <std::size_t kColumns>
  HWY_INLINE void take_offset(std::int32_t offset, std::size_t column,
                              I32Vec (&sums)[kColumns]) const {
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) {
      const I32Vec weights = hn::LoadU(I32Tag(), job.column_sums + column + c * kLanes);
      sums[c] = hn::Sub(sums[c], hn::Mul(hn::Set(I32Tag(), offset), weights));
    }
  }

  HWY_INLINE I32Vec start(std::size_t row, std::size_t column) const {
    if (NIBBLE_VNNI) return hn::Zero(I32Tag());
    return hn::LoadU(I32Tag(), job.starts + row * kPanelWidth + column);
  }

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t row, std::size_t column) const {
    I32Vec sums[kRows][kColumns];
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] = start(row + r, column + c * kLanes);
    }
    const std::uint8_t* values = job.x.values + row * job.x.stride;
    const std::int8_t* w = job.quad_weights(0, column);
    const std::size_t step = job.width * 4;  // from one quad's weights to the next
    std::size_t left = job.quads;
    if constexpr (kRows == 1 && NIBBLE_AVX512) {
      // One row alone has too few sums to hide the latency: inputs go to two sets in turn.
      const bool ask_ahead = job.ask_ahead;
      I32Vec more[kRows][kColumns];
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) more[0][c] = hn::Zero(I32Tag());
      for (; left >= 2; left -= 2, values += 8, w += 2 * step) {
        if (ask_ahead) prefetch(w, kColumns);
        add_quad(values, w, sums);
        add_quad(values + 4, w + step, more);
      }
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) sums[0][c] = hn::Add(sums[0][c], more[0][c]);
    }
    for (; left > 0; --left, values += 4, w += step) {
      if (!NIBBLE_AVX512) __builtin_prefetch(w + kQuadsAhead * step);
      add_quad(values, w, sums);
    }
    store(row, column, sums);
  }
};

#if NIBBLE_VNNI

using PreparedRows = QuantizedRows;

PreparedRows prepare(const QuantizedRows& x, std::size_t /*inputs*/, std::uint32_t* /*workspace*/) {
  return x;
}

void cover_panel(const PanelJob& job, const PreparedRows& /*rows*/) {
  cover_all(ByteTiles{job}, job.x.rows, job.width);
}

#else

using PreparedRows = SplitRows;

PreparedRows prepare(const QuantizedRows& x, std::size_t inputs, std::uint32_t* workspace) {
  return split_rows(x, inputs, workspace);
}

// The products of what waits of one row.
struct WaitingTiles {
  const PanelJob& job;
  const SplitRows& rows;
  std::size_t row;
  std::int32_t* sums;  // [kPanelWidth]

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t /*row*/, std::size_t column) const {
    I32Vec products[kColumns];
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) products[c] = hn::Zero(I32Tag());
    const std::uint32_t* quads = rows.quads(row);
    for (std::size_t i = 0; i < *rows.count(row); ++i) {
      const std::int8_t* w = job.quad_weights(quads[i], column);
      const U8Vec value = rows.waiting(row, quads[i]);
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        add_quad_products(products[c], value, w + c * kLanes * 4);
    }
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c)
      hn::StoreU(products[c], I32Tag(), sums + column + c * kLanes);
  }
};

// A register tile's rows at a time, so that what their sums start with stays in L1.
void cover_panel(const PanelJob& job, const PreparedRows& rows) {
  std::int32_t starts[kTileRows * kPanelWidth];
  in_even_parts(job.x.rows, kTileRows, [&](std::size_t first, std::size_t count) HWY_ATTR {
    PanelJob part = job;
    part.x = {rows.bytes(first), rows.stride, count, job.x.scales + first};
    part.y.values += first * job.y.stride;
    part.starts = starts;
    for (std::size_t r = 0; r < count; ++r)
      cover_few_rows<1, ByteTiles::kSingleVectors>(
          WaitingTiles{job, rows, first + r, starts + r * kPanelWidth}, job.width);
    cover_all(ByteTiles{part}, count, part.width);
  });
}

#endif  // NIBBLE_VNNI

void dense_int8(const QuantizedRows& x, const Int8Panels& weights, const Finish& finish,
                OutputRows y, std::uint32_t* workspace) {
  const bool ask_ahead = streamed_requests_pay();
  const PreparedRows rows = prepare(x, weights.shape.inputs, workspace);
  const PanelOrder order(weights.shape.panels(), x.rows == 1 ? weights.codes.size() : 0);
  for (std::size_t i = 0; i < weights.shape.panels(); ++i) {
    const std::size_t p = order[i];
    const std::size_t first = p * kPanelWidth;
    cover_panel({x,
                 weights.quad_rows(),
                 weights.panel(p),
                 weights.shape.width(p),
                 weights.scales.data() + first,
                 weights.column_sums.data() + first,
                 {finish.bias + first, finish.relu},
                 {y.values + first, y.stride},
                 nullptr,
                 ask_ahead},
                rows);
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
                OutputRows y, std::uint32_t* workspace) {
  in_row_blocks(x.rows, [&](std::size_t first, std::size_t rows) {
    NIBBLE_DISPATCH(dense_int8)(x.slice(first, rows), weights, finish, y.from(first), workspace);
  });
}

}  // namespace nibble
#endif  // HWY_ONCE
