// How a layer's input becomes integers at run time.
#pragma once

#include <cstdint>
#include <span>

#include "nibble/data/rows.h"

namespace nibble {

// One row, int8 and int4 schemes: x ~ scale * q, no zero point.
//   All values whole numbers in 0..255, or all in -127..127: scale 1, q = x, no error (counts,
//   pixels). Otherwise no value negative: scale = max/255, q in 0..255. Otherwise: scale =
//   max|x|/127, q in -127..127.
// q = nearbyint(x * (1/scale)), ties to even, clamped; the reciprocal is taken in float32. Where
// it would be infinite (largest value below about 1e-36) the scale is 1 and every q is 0.
// Zeros change nothing, so a sparse row may leave them out. Expects finite values.
struct RowQuantization {
  float scale = 1.0F;
  float inverse_scale = 1.0F;
  std::int32_t lowest = 0;  // smallest allowed q: 0 or -127
  std::int32_t highest = 255;
  friend bool operator==(const RowQuantization&, const RowQuantization&) = default;
};
RowQuantization choose_row_quantization(std::span<const float> values);
std::int32_t quantize_value(float value, const RowQuantization& row);

// A whole call, int8-torch: PyTorch's ChooseQuantizationParams with reduce_range (0..127) over all
// rows: x ~ scale * (q - zero_point). Source: aten/src/ATen/native/quantized/cpu/QuantUtils.h.
// `low` and `high` are the smallest and largest input; the range is widened to hold 0. An
// Error unless both are finite.
struct CallQuantization {
  float scale = 1.0F;
  std::int32_t zero_point = 0;
  friend bool operator==(const CallQuantization&, const CallQuantization&) = default;
};
CallQuantization choose_call_quantization(float low, float high);
// Over all values of all rows.
CallQuantization choose_call_quantization(const RowsView& rows);
// round(fma(x, 1/scale, zero_point)), ties to even, clamped to 0..255, as fbgemm and x86 do.
std::int32_t quantize_value(float value, const CallQuantization& call);

}  // namespace nibble
