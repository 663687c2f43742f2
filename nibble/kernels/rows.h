// Rows on their way through the kernels.
//
// A kernel for dense rows reads `rows` rows of float32, `stride` elements apart, with no alignment
// asked; for quantized rows, bytes. It writes rows of float32 whose stride is at least
// padded_outputs; some of the padding may be written, and means nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble {

// Rows that a register tile can hold at once; a block of rows should be a multiple of it.
inline constexpr std::size_t kTileRows = 6;

// Rows that meet one panel of weights after another together, a multiple of kTileRows: so many that
// the weights are seldom read anew, so few that rows and outputs wait in L2 for the next panel. On
// Zen 5, 1024 x 1024 x 1024 takes 2 % less time with it in int8 and 1 % in bf16; 1024 rows times
// 784 x 512 take 1 % and 4 % less. With 24 rows they take 8 % more.
inline constexpr std::size_t kRowsTogether = 192;

// Calls part(first row, number of rows) for all rows, kRowsTogether at a time.
template <typename Part>
void in_row_blocks(std::size_t rows, const Part& part) {
  for (std::size_t first = 0; first < rows; first += kRowsTogether)
    part(first, std::min(kRowsTogether, rows - first));
}

// Calls part(first row, number of rows) for all rows, at most `most` at a time, in as few parts as
// that takes, the longer ones first and none more than a row longer than another. A row or two
// alone wait for their weights about as long as six: on Emerald Rapids 8 rows take 0.83 of the time
// through the reference model in f32, and 0.93 in int8, as 4 + 4 instead of 6 + 2.
template <typename Part>
inline void in_even_parts(std::size_t rows, std::size_t most, const Part& part) {
  const std::size_t parts = (rows + most - 1) / most;
  for (std::size_t first = 0, i = parts; i > 0; --i) {
    const std::size_t count = (rows - first + i - 1) / i;
    part(first, count);
    first += count;
  }
}

struct FloatRows {
  const float* values = nullptr;
  std::size_t stride = 0;
  std::size_t rows = 0;
  FloatRows slice(std::size_t first, std::size_t count) const {
    return {values + first * stride, stride, count};
  }
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
  QuantizedRows slice(std::size_t first, std::size_t count) const {
    return {values + first * stride, stride, count, scales + first};
  }
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
  OutputRows from(std::size_t row) const { return {values + row * stride, stride}; }
};

}  // namespace nibble
