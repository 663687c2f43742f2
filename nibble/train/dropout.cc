#include "nibble/train/dropout.h"

#include <algorithm>
#include <cmath>

#include "nibble/core/random.h"

namespace nibble {
namespace {

constexpr double kHalves = 65536.0;
constexpr std::uint32_t kLayers = 16;  // bits of the high counter that name the layer

std::uint32_t threshold_of(double probability) {
  return static_cast<std::uint32_t>(std::min(std::round(kHalves * probability), kHalves - 1));
}

}  // namespace

float dropout_scale(double probability) {
  return threshold_of(probability) == 0 ? 1.0F : static_cast<float>(1.0 / (1.0 - probability));
}

DropoutRow dropout_row(const Dropout& dropout, std::size_t layer, std::size_t row,
                       std::size_t units) {
  const std::size_t blocks = (units + kDropoutBlock - 1) / kDropoutBlock;
  return {dropout.seed, static_cast<std::uint32_t>(row * blocks * kDropoutCounters),
          (dropout.step << kLayers) | layer, threshold_of(dropout.probability),
          dropout_scale(dropout.probability)};
}

double dropout_factor(const Dropout& dropout, std::size_t layer, std::size_t row, std::size_t units,
                      std::size_t unit) {
  const DropoutRow rule = dropout_row(dropout, layer, row, units);
  const std::size_t counter =
      rule.first_counter + unit / kDropoutBlock * kDropoutCounters + unit % kDropoutCounters;
  const auto words = philox({rule.seed, RandomStream::kDropout}, counter, rule.counter_high);
  const std::size_t half = unit % kDropoutBlock / kDropoutCounters;
  const std::uint32_t bits = (words[half / 2] >> (16 * (half % 2))) & 0xFFFFU;
  return bits >= rule.threshold ? static_cast<double>(rule.scale) : 0.0;
}

}  // namespace nibble
