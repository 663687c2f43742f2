#include "nibble/quant/static_range.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <system_error>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/core/error.h"
#include "nibble/quant/scale_search.h"

namespace nibble {
namespace {

constexpr std::array<std::string_view, 3> kRules = {"minmax", "percentile", "mse"};
constexpr double kShareBelow = 0.999;
constexpr std::size_t kSample = 65536;
constexpr int kLimits = 128;
constexpr int kLowestLimit = 16;
constexpr std::int32_t kSignedZero = 128;

using scale_search::largest_of;

std::vector<float> non_zeros(std::span<const float> values) {
  std::vector<float> result;
  std::ranges::copy_if(values, std::back_inserter(result), [](float x) { return x != 0.0F; });
  return result;
}

std::vector<float> non_zeros(const RowsView& rows) {
  if (const auto* dense = std::get_if<DenseRowsView>(&rows))
    return non_zeros({dense->values, dense->rows * dense->columns});
  const auto& sparse = std::get<SparseRowsView>(rows);
  return non_zeros(
      {sparse.values + sparse.offsets[0], sparse.offsets[sparse.rows] - sparse.offsets[0]});
}

CallQuantization quantization_for(float limit, bool is_signed) {
  const float scale = limit / (is_signed ? 127.0F : 255.0F);
  const std::int32_t zero = is_signed ? kSignedZero : 0;
  return std::isinf(1.0F / scale) ? CallQuantization{1.0F, zero} : CallQuantization{scale, zero};
}

float limit_below_which_most_lie(std::vector<float> values) {
  for (float& x : values) x = std::fabs(x);
  const auto rank = static_cast<std::ptrdiff_t>(kShareBelow * static_cast<double>(values.size()));
  std::ranges::nth_element(values, values.begin() + rank);
  return values[static_cast<std::size_t>(rank)];
}

double squared_error(std::span<const float> values, std::size_t step,
                     const CallQuantization& input) {
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); i += step) {
    const auto q = static_cast<float>(quantize_value(values[i], input) - input.zero_point);
    sum += std::pow(static_cast<double>(values[i]) - static_cast<double>(q * input.scale), 2);
  }
  return sum;
}

float limit_of_least_error(std::span<const float> values, bool is_signed) {
  const float largest = largest_of(values);
  const std::size_t step = (values.size() + kSample - 1) / kSample;
  double least = std::numeric_limits<double>::infinity();
  float best = largest;
  for (int part = kLimits; part >= kLowestLimit; --part) {
    const float limit = largest * static_cast<float>(part) / static_cast<float>(kLimits);
    const double error = squared_error(values, step, quantization_for(limit, is_signed));
    if (error >= least) continue;
    least = error;
    best = limit;
  }
  return best;
}

float limit_by(RangeRule rule, std::vector<float> values, bool is_signed) {
  if (rule == RangeRule::kPercentile) return limit_below_which_most_lie(std::move(values));
  if (rule == RangeRule::kMse) return limit_of_least_error(values, is_signed);
  return largest_of(values);
}

}  // namespace

RangeRule range_rule_named(std::string_view name) {
  const auto found = std::ranges::find(kRules, name);
  if (found == kRules.end())
    throw_error("there is no rule '{}' for static ranges; expected {}", name,
                fmt::join(kRules, ", "));
  return static_cast<RangeRule>(found - kRules.begin());
}

std::string_view name_of(RangeRule rule) { return kRules[static_cast<std::size_t>(rule)]; }

CallQuantization choose_static_quantization(const RowsView& rows, RangeRule rule) {
  std::vector<float> values = non_zeros(rows);
  if (values.empty()) return {};
  const bool is_signed = std::ranges::any_of(values, [](float x) { return x < 0.0F; });
  const bool is_whole = std::ranges::all_of(values, [](float x) { return std::nearbyint(x) == x; });
  if (is_whole && largest_of(values) <= (is_signed ? 127.0F : 255.0F))
    return {1.0F, is_signed ? kSignedZero : 0};
  return quantization_for(limit_by(rule, std::move(values), is_signed), is_signed);
}

bool is_static_quantization(const CallQuantization& input) {
  return input.scale > 0.0F && std::isfinite(input.scale) && std::isfinite(1.0F / input.scale) &&
         (input.zero_point == 0 || input.zero_point == kSignedZero);
}

std::string text_of(const CallQuantization& input) {
  return fmt::format("{}{}", input.scale, input.zero_point == 0 ? "" : "s");
}

CallQuantization static_quantization_from(std::string_view text) {
  CallQuantization input;
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, input.scale);
  if (rest != end && *rest == 's') input.zero_point = kSignedZero;
  const std::ptrdiff_t suffix = input.zero_point == 0 ? 0 : 1;
  if (code != std::errc() || rest + suffix != end || !is_static_quantization(input))
    throw_error("the model file has a layer whose inputs are rounded by '{}'; expected a scale",
                text);
  return input;
}

}  // namespace nibble
