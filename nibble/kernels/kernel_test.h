// What the kernels' unit tests share: every test runs on every CPU level of the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/kernels/cpu_level.h"

namespace nibble {

class EveryLevel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_cpu_level(GetParam()); }
  void TearDown() override { force_cpu_level("auto"); }
  // Levels whose multiply-add rounds once.
  static bool fused() { return !GetParam().starts_with("s") || GetParam() == "scalar"; }

  // Whole numbers in low..high.
  std::vector<int> draw(std::size_t count, int low, int high) {
    std::uniform_int_distribution<int> distribution(low, high);
    std::vector<int> values(count);
    for (int& value : values) value = distribution(random_);
    return values;
  }
  std::vector<float> draw_floats(std::size_t count) {
    std::normal_distribution<float> distribution;
    std::vector<float> values(count);
    for (float& value : values) value = distribution(random_);
    return values;
  }

 private:
  std::mt19937 random_{1};
};

// One, odd, just under and over a vector or a panel, several panels.
inline const std::vector<std::size_t>& awkward_sizes() {
  static const std::vector<std::size_t> sizes = {1, 2, 3, 15, 16, 17, 31, 33, 63, 64, 65, 129, 200};
  return sizes;
}

#define NIBBLE_ON_EVERY_LEVEL(suite)                                                 \
  INSTANTIATE_TEST_SUITE_P(Levels, suite, testing::ValuesIn(available_cpu_levels()), \
                           [](const auto& level) { return level.param; })

}  // namespace nibble
