#include "nibble/measure/layer_times.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/infer/predictor.h"
#include "nibble/measure/synthetic_rows.h"
#include "nibble/measure/test_models.h"

namespace nibble {
namespace {

TEST(TimeLayers, TimesEveryLayerOfEverySchemeAtTheBatch) {
  MachineCeilings ceilings;
  ceilings.caches = {1000, 10'000, 100'000};
  ceilings.one_thread = {100.0, 400.0, 200.0, 50.0, 20.0, 10.0, 5.0};
  ceilings.all_threads = ceilings.one_thread;
  const TimingLimits few{.warm_up_calls = 1, .warm_up_seconds = 0.0, .seconds = 0.0};
  const SparseRows rows = synthetic_bags(9, 40);
  for (const Scheme scheme : {Scheme::kF32, Scheme::kInt8, Scheme::kInt8Torch, Scheme::kInt4}) {
    const Model model = scheme == Scheme::kF32 ? small_text_model(40)
                                               : quantized_model(small_text_model(40), scheme);
    const Predictor predictor(model);
    const std::vector<LayerLoad> layers = layer_loads(model);
    const LayerTiming what{predictor.network(), layers, scheme, ceilings};
    const std::vector<LayerTime> times = time_layers(what, rows.view(), 4, few);
    ASSERT_EQ(times.size(), 3U);
    for (std::size_t layer = 0; layer < 3; ++layer) {
      EXPECT_EQ(times[layer].layer, layer);
      EXPECT_EQ(times[layer].batch, 4U);
      EXPECT_GT(times[layer].ns, 0.0);
      EXPECT_GT(times[layer].floor_ns, 0.0);
    }
    EXPECT_DOUBLE_EQ(times[1].work.operations, 4 * 2.0 * 8 * 5);
    EXPECT_THROW(time_layers(what, rows.view(), 10, few), Error);
  }
}

TEST(FindActiveShares, CountsWhatReluLeaves) {
  Model model = small_numeric_model(2);
  auto& first = std::get<Mlp>(model.network).layers.front();  // 2 -> 8
  std::ranges::fill(first.weight.values, 1.0F);
  std::ranges::fill(first.bias, 0.0F);
  for (std::size_t output = 0; output < 6; ++output) first.bias[output] = -100.0F;
  const Predictor predictor(model);
  std::vector<LayerLoad> layers = layer_loads(model);
  DenseRows rows(3, 2);
  std::ranges::fill(rows.values, 1.0F);
  find_active_shares(predictor.network(), view_of(rows), layers);
  EXPECT_EQ(layers[0].active, 1.0);
  EXPECT_EQ(layers[1].active, 2.0 / 8.0);
}

}  // namespace
}  // namespace nibble
