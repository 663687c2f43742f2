#include "nibble/report/axis.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace nibble {
namespace {

// A step that lands within rounding of the end is still inside.
constexpr double kSlack = 1e-9;

// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least * (1.0 - kSlack)) return factor * power;
  return 10.0 * power;
}

int decimals_of(double step) {
  return std::max(0, -static_cast<int>(std::floor(std::log10(step) + kSlack)));
}

Axis axis_with_step(double low, double high, double step) {
  return {std::floor(low / step + kSlack) * step, std::ceil(high / step - kSlack) * step, step,
          decimals_of(step)};
}

}  // namespace

std::vector<double> Axis::ticks() const {
  std::vector<double> ticks;
  const double first = std::ceil(low / step - kSlack);
  for (double index = first; index * step <= high + kSlack * step; ++index)
    ticks.push_back(index * step);
  return ticks;
}

std::string Axis::label(double tick) const {
  const double shown = std::abs(tick) < step * kSlack ? 0.0 : tick;  // never "-0"
  return fmt::format("{:.{}f}", shown, decimals);
}

Axis value_axis(double low, double high, std::size_t wanted) {
  if (!std::isfinite(low) || !std::isfinite(high)) return {0.0, 1.0, 0.5, 1};
  double span = high - low;
  const double size = std::max(std::abs(low), std::abs(high));
  if (span <= size * 1e-6) {  // constant: a tenth of the value of room around it
    span = size > 0.0 ? size * 0.1 : 1.0;
    low -= span / 2.0;
    high += span / 2.0;
  }
  return axis_with_step(low, high, round_step(span / static_cast<double>(wanted)));
}

Axis bar_axis(double high, std::size_t wanted) {
  if (!std::isfinite(high) || high <= 0.0) return {0.0, 1.0, 0.5, 1};
  return axis_with_step(0.0, high, round_step(high / static_cast<double>(wanted)));
}

Axis epoch_axis(std::size_t epochs, std::size_t wanted) {
  const auto last = static_cast<double>(std::max<std::size_t>(epochs, 1));
  const double step = std::max(1.0, round_step(last / static_cast<double>(wanted)));
  return {0.5, last + 0.5, step, 0};
}

}  // namespace nibble
