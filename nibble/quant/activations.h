// How a layer's input becomes integers at run time.
#pragma once

#include <cstdint>
#include <span>

namespace nibble {

// One row, int8 and int4 schemes: x ~ scale * q, no zero point.
//   all values whole numbers in 0..255, or all in -127..127: scale 1, q = x, no error (counts,
//   pixels); otherwise no value negative: scale = max/255, q in 0..255; otherwise: scale =
//   max|x|/127, q in -127..127.
// q = nearbyint(x * (1/scale)), ties to even, clamped; the reciprocal is taken in float32. A row of
// zeros has scale 1.
struct RowQuantization {
  float scale = 1.0F;
  float inverse_scale = 1.0F;
  std::int32_t lowest = 0;  // smallest allowed q: 0 or -127
  std::int32_t highest = 255;
};
RowQuantization choose_row_quantization(std::span<const float> values);
std::int32_t quantize_value(float value, const RowQuantization& row);

// A whole call, int8-torch: PyTorch's ChooseQuantizationParams with reduce_range (0..127) over all
// rows. Source: aten/src/ATen/native/quantized/cpu/QuantUtils.h. `low` and `high` are the smallest
// and largest input.
struct CallQuantization {
  float scale = 1.0F;
  std::int32_t zero_point = 0;
};
CallQuantization choose_call_quantization(float low, float high);
// round(fma(x, 1/scale, zero_point)), ties to even, clamped to 0..255, as fbgemm and x86 do.
std::int32_t quantize_value(float value, const CallQuantization& call);

}  // namespace nibble
