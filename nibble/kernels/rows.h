// Rows on their way through the kernels.
//
// A kernel for dense rows reads `rows` rows of float32, `stride` elements apart, with no alignment
// asked; for quantized rows, bytes. It writes rows of float32 whose stride is at least
// padded_outputs; some of the padding may be written, and means nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble {

// Rows that a register tile can hold at once; a block of rows should be a multiple of it.
inline constexpr std::size_t kTileRows = 6;

struct FloatRows {
  const float* values = nullptr;
  std::size_t stride = 0;
  std::size_t rows = 0;
};

// The non-zeros of one row, columns ascending.
struct SparseRow {
  const std::uint32_t* columns = nullptr;
  const float* values = nullptr;
  std::size_t count = 0;
};

// How a row's bytes stand for numbers: x ~ scale * (byte - offset).
struct RowScale {
  float scale = 1.0F;
  std::int32_t offset = 0;
};

// Each row needs its bytes up to a multiple of 32 inputs to be readable; what they hold there does
// not matter.
struct QuantizedRows {
  const std::uint8_t* values = nullptr;
  std::size_t stride = 0;
  std::size_t rows = 0;
  const RowScale* scales = nullptr;  // [rows]
};

struct SparseQuantizedRow {
  const std::uint32_t* columns = nullptr;
  const std::uint8_t* values = nullptr;
  std::size_t count = 0;
  RowScale scale;
};

// What happens after the products: the bias is added (or summed upon), then ReLU if asked for.
struct Finish {
  const float* bias = nullptr;  // [padded_outputs]
  bool relu = false;
};

struct OutputRows {
  float* values = nullptr;
  std::size_t stride = 0;
};

}  // namespace nibble
