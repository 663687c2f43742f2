#include "nibble/quant/activations.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include "nibble/core/error.h"
#include "nibble/quant/rounding.h"

namespace nibble {
namespace {

constexpr std::int32_t kUnsignedHighest = 255;
constexpr std::int32_t kSignedHighest = 127;

constexpr int kReducedHighest = 127;  // qmax = 255 / 2 with reduce_range; qmin = 0
constexpr float kSmallestCallScale =
    6.1e-5F;  // SMALL_SCALE_THRESHOLD: about float16's smallest normal

struct Range {
  float low = 0.0F;
  float high = 0.0F;
};

// Widened to hold 0.
Range range_of(std::span<const float> values) {
  Range range;
  for (const float value : values) {
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  return range;
}

bool is_whole(float value) { return std::nearbyint(value) == value; }

// Allowed codes for these values: 0..255 for unsigned ones, else -127..127.
RowQuantization row_quantization(float scale, bool is_unsigned) {
  if (std::isinf(1.0F / scale)) scale = 1.0F;
  if (is_unsigned) return {scale, 1.0F / scale, 0, kUnsignedHighest};
  return {scale, 1.0F / scale, -kSignedHighest, kSignedHighest};
}

std::span<const float> values_of(const DenseRowsView& rows) {
  return {rows.values, rows.rows * rows.columns};
}
std::span<const float> values_of(const SparseRowsView& rows) {
  return {rows.values + rows.offsets[0], rows.offsets[rows.rows] - rows.offsets[0]};
}

// PyTorch stretches a range that is too small for the smallest scale.
void stretch(Range& range, float scale) {
  if (range.low == 0.0F) {
    range.high = kSmallestCallScale * kReducedHighest;
  } else if (range.high == 0.0F) {
    range.low = -kSmallestCallScale * kReducedHighest;
  } else {
    range.low *= kSmallestCallScale / scale;
    range.high *= kSmallestCallScale / scale;
  }
}

// The end of the range that gives the zero point with the smaller rounding error, as PyTorch judges
// it: it subtracts the two terms where gemmlowp adds them.
double exact_zero_point(const Range& range, double scale) {
  const double from_low = 0.0 - range.low / scale;
  const double from_high = kReducedHighest - range.high / scale;
  const double low_error = 0.0 - std::abs(range.low / scale);
  const double high_error = kReducedHighest - std::abs(range.high / scale);
  return low_error < high_error ? from_low : from_high;
}

}  // namespace

RowQuantization choose_row_quantization(std::span<const float> values) {
  const Range range = range_of(values);
  const float largest = std::max(-range.low, range.high);
  const bool is_unsigned = range.low == 0.0F;
  const auto highest = static_cast<float>(is_unsigned ? kUnsignedHighest : kSignedHighest);
  if (largest <= highest && std::ranges::all_of(values, is_whole))
    return row_quantization(1.0F, is_unsigned);
  return row_quantization(largest / highest, is_unsigned);
}

std::int32_t quantize_value(float value, const RowQuantization& row) {
  return round_clamped(value * row.inverse_scale, row.lowest, row.highest);
}

CallQuantization choose_call_quantization(float low, float high) {
  if (!std::isfinite(low) || !std::isfinite(high))
    throw_error(
        "cannot quantize a layer's input that ranges from {} to {}; expected finite values: check "
        "the "
        "input for extreme numbers and the model's weights",
        low, high);
  Range range{std::min(low, 0.0F), std::max(high, 0.0F)};
  double scale = (static_cast<double>(range.high) - range.low) / kReducedHighest;
  if (std::isinf(1.0F / static_cast<float>(scale))) scale = 0.1;
  if (scale < kSmallestCallScale) {
    stretch(range, static_cast<float>(scale));
    scale = kSmallestCallScale;
  }
  const double zero_point = std::clamp(exact_zero_point(range, scale), 0.0, 1.0 * kReducedHighest);
  return {static_cast<float>(scale), static_cast<std::int32_t>(std::nearbyint(zero_point))};
}

CallQuantization choose_call_quantization(const RowsView& rows) {
  const Range range = range_of(std::visit([](const auto& view) { return values_of(view); }, rows));
  return choose_call_quantization(range.low, range.high);
}

std::int32_t quantize_value(float value, const CallQuantization& call) {
  const float steps = std::fma(value, 1.0F / call.scale, static_cast<float>(call.zero_point));
  return round_clamped(steps, 0, kUnsignedHighest);
}

}  // namespace nibble
