// A fixed scale for what enters a layer, chosen once from calibration rows, in place of one found
// for each row (activations.h).
//
//   x ~ scale * (q - zero_point),  q = round(fma(x, 1/scale, zero_point)), ties to even, in 0..255
//   no input below zero: zero_point 0, scale = limit / 255;  otherwise 128, scale = limit / 127
//   all inputs whole numbers within 0..255 or -127..127: scale 1 by every rule (counts, pixels)
//
// What lies beyond the limit is cut off at the last code. Rules for the limit, by magnitudes:
//   minmax       the largest
//   percentile   99.9 % of those that are not 0 lie below: ReLU leaves mostly zeros, which would
//                otherwise decide
//   mse          the least squared error, of 113 limits from the largest to an eighth of it, over
//                65,536 of the inputs that are not 0, evenly taken
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nibble/data/rows.h"
#include "nibble/quant/activations.h"

namespace nibble {

enum class RangeRule : std::uint8_t { kMinMax, kPercentile, kMse };

// An Error that lists the names: minmax, percentile, mse.
RangeRule range_rule_named(std::string_view name);
std::string_view name_of(RangeRule rule);

// Rows that enter a layer, finite. Scale 1 if they are all 0.
CallQuantization choose_static_quantization(const RowsView& rows, RangeRule rule);

// Whether the function above could have chosen it.
bool is_static_quantization(const CallQuantization& input);

// As a model file keeps it: the scale's shortest decimal form, "s" after it for zero point 128.
std::string text_of(const CallQuantization& input);
// An Error unless it is such a text.
CallQuantization static_quantization_from(std::string_view text);

}  // namespace nibble
