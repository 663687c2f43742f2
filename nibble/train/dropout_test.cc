#include "nibble/train/dropout.h"

#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/aligned.h"
#include "nibble/train/padded.h"

namespace nibble {
namespace {

TEST(Dropout, KernelKeepsWhatTheTextbookKeeps) {
  for (const std::size_t units : {1U, 15U, 16U, 17U, 127U, 128U, 129U, 300U}) {
    for (const double probability : {0.0, 1e-6, 0.3, 0.999999}) {
      const Dropout dropout{probability, 7, 1234567890123};
      for (const std::size_t row : {0U, 1U, 31U, 5000U}) {
        AlignedVector<float> y(padded(units));
        for (std::size_t u = 0; u < units; ++u) y[u] = u % 3 == 0 ? -1.0F : static_cast<float>(u);
        train_relu_dropout(dropout_row(dropout, 2, row, units), y.size(), y.data());
        for (std::size_t u = 0; u < units; ++u) {
          const double x = u % 3 == 0 ? 0.0 : static_cast<double>(u);
          const double factor = dropout_factor(dropout, 2, row, units, u);
          EXPECT_FLOAT_EQ(y[u], static_cast<float>(x * factor));
        }
        for (std::size_t u = units; u < y.size(); ++u) EXPECT_EQ(y[u], 0.0F);
      }
    }
  }
}

TEST(Dropout, KeepsTheRightShareAndScalesIt) {
  constexpr std::size_t kUnits = 1000;
  for (const double probability : {0.1, 0.3, 0.5, 0.9}) {
    double sum = 0.0;
    for (std::size_t row = 0; row < 100; ++row) {
      for (std::size_t u = 0; u < kUnits; ++u)
        sum += dropout_factor({probability, 3, 5}, 0, row, kUnits, u);
    }
    // The mean of 100,000 factors is 1, give or take five standard errors.
    const double error = std::sqrt(probability / (1 - probability) / 1e5);
    EXPECT_NEAR(sum / 1e5, 1.0, 5 * error) << probability;
  }
}

TEST(Dropout, EveryStepLayerRowAndSeedDropsOthers) {
  std::set<std::vector<double>> masks;
  const auto add = [&](const Dropout& dropout, std::size_t layer, std::size_t row) {
    std::vector<double> mask(200);
    for (std::size_t u = 0; u < mask.size(); ++u)
      mask[u] = dropout_factor(dropout, layer, row, mask.size(), u);
    masks.insert(mask);
  };
  for (std::uint32_t i = 0; i < 10; ++i) {
    add({0.5, i, 0}, 0, 0);
    add({0.5, 0, i + 1}, 0, 0);
    add({0.5, 0, 0}, i + 1, 0);
    add({0.5, 0, 0}, 0, i + 1);
  }
  EXPECT_EQ(masks.size(), 40U);
}

}  // namespace
}  // namespace nibble
