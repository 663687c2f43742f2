#include "nibble/train/dropout.h"

#include <algorithm>
#include <cmath>

#include "nibble/core/random.h"

namespace nibble {
namespace {

constexpr double kHalves = 65536.0;
constexpr std::uint32_t kLayers = 16;  // bits of the high counter that name the layer

}  // namespace

DropoutRow dropout_row(const Dropout& dropout, std::size_t layer, std::size_t row,
                       std::size_t units) {
  const std::size_t blocks = (units + kDropoutBlock - 1) / kDropoutBlock;
  const double threshold = std::min(std::round(kHalves * dropout.probability), kHalves - 1);
  return {dropout.seed, static_cast<std::uint32_t>(row * blocks * kDropoutCounters),
          (dropout.step << kLayers) | layer, static_cast<std::uint32_t>(threshold),
          static_cast<float>(1.0 / (1.0 - dropout.probability))};
}

double dropout_factor(const Dropout& dropout, std::size_t layer, std::size_t row, std::size_t units,
                      std::size_t unit) {
  if (dropout.probability == 0.0) return 1.0;
  const DropoutRow rule = dropout_row(dropout, layer, row, units);
  const std::size_t counter =
      rule.first_counter + unit / kDropoutBlock * kDropoutCounters + unit % kDropoutCounters;
  const auto words = philox({rule.seed, RandomStream::kDropout}, counter, rule.counter_high);
  const std::size_t half = unit % kDropoutBlock / kDropoutCounters;
  const std::uint32_t bits = (words[half / 2] >> (16 * (half % 2))) & 0xFFFFU;
  return bits >= rule.threshold ? static_cast<double>(rule.scale) : 0.0;
}

}  // namespace nibble
