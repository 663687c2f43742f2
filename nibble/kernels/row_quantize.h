// Rows of float32 to bytes, and what has to be known of a row before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/rows.h"

namespace nibble {

// The int8 and int4 schemes, each row by itself: scale and rule are quant/activations.h's.
//   all values whole numbers in 0..255: scale 1; else all whole in -127..127: scale 1;
//   otherwise no value negative: scale max/255, byte 0..255; otherwise max|x|/127 and -127..127.
// byte = q + offset, offset 128 where negative values are possible, else 0. Row r's bytes start at
// r * round_up(count, 64); those from `count` up to that multiple are set to 0. Values must be
// finite. scales: [rows].
void quantize_rows(const FloatRows& x, std::size_t count, std::uint8_t* bytes, RowScale* scales);

// The int8-torch scheme, one scale for a whole call: byte = round(fma(x, 1/scale, zero point)),
// ties to even, clamped to 0..255; x ~ scale * (byte - zero point). Rows as above.
void quantize_rows_with(RowScale scale, const FloatRows& x, std::size_t count, std::uint8_t* bytes);

struct ValueRange {
  float low = 0.0F;
  float high = 0.0F;
};
// Smallest and largest of the values and 0.
ValueRange range_with_zero(const float* values, std::size_t count);

// Columns and values of the entries that are not 0, ascending. Gives up as soon as more than
// `limit` are found and returns a number above `limit`. Both outputs need room for
// limit + kNonZeroSlack elements.
inline constexpr std::size_t kNonZeroSlack = 80;
std::size_t find_non_zeros(const float* row, std::size_t count, std::size_t limit,
                           std::uint32_t* columns, float* values);
// The same for words of 32 bits that have any bit but the highest set.
std::size_t find_used_words(const std::uint32_t* words, std::size_t count, std::size_t limit,
                            std::uint32_t* positions, std::uint32_t* values);

}  // namespace nibble
