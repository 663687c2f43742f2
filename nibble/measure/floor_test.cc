#include "nibble/measure/floor.h"

#include <gtest/gtest.h>

#include "nibble/measure/test_models.h"

namespace nibble {
namespace {

// 10 -> 8 -> 5 -> 2 in f32: 4 x (80 + 8), 4 x (40 + 5) and 4 x (10 + 2) bytes.
constexpr double kFirstBytes = 352.0;
constexpr double kLaterBytes = 180.0 + 48.0;
constexpr double kLaterOperations = 2.0 * (40.0 + 10.0);

SparseRows four_rows() {
  SparseRows rows;
  rows.columns = 10;
  rows.indices = {0, 3, 3, 3, 9};
  rows.values = {1.0F, 1.0F, 2.0F, 1.0F, 1.0F};
  rows.offsets = {0, 2, 3, 3, 5};  // the third is empty
  return rows;
}

TEST(MeanCallWork, CountsEveryColumnOfABatchOnceAndEveryProduct) {
  const SparseRows rows = four_rows();
  const CallWork work = mean_call_work(layer_loads(small_text_model(10)), rows.view(), 4);
  EXPECT_DOUBLE_EQ(work.operations, 2.0 * 5 * 8 + 4 * kLaterOperations);
  EXPECT_DOUBLE_EQ(work.bytes, kFirstBytes * 3 / 10 + kLaterBytes + 5 * 8);
}

TEST(MeanCallWork, IsTheMeanOverBatches) {
  const SparseRows rows = four_rows();
  const CallWork work = mean_call_work(layer_loads(small_text_model(10)), rows.view(), 1);
  EXPECT_DOUBLE_EQ(work.operations, 2.0 * 5 * 8 / 4 + kLaterOperations);
  EXPECT_DOUBLE_EQ(work.bytes, kFirstBytes * 5 / 10 / 4 + kLaterBytes + 5.0 * 8 / 4);
}

TEST(MeanCallWork, OfDenseRowsSkipsZerosButReadsThem) {
  DenseRows rows(1, 10);
  rows.at(0, 2) = 1.0F;
  rows.at(0, 7) = -1.0F;
  const CallWork work = mean_call_work(layer_loads(small_text_model(10)), view_of(rows), 1);
  EXPECT_DOUBLE_EQ(work.operations, 2.0 * 2 * 8 + kLaterOperations);
  EXPECT_DOUBLE_EQ(work.bytes, kFirstBytes * 2 / 10 + kLaterBytes + 10 * 4);
}

TEST(LaterLayerWork, ReadsItsWeightsOnceAndEveryInput) {
  const std::vector<LayerLoad> layers = layer_loads(small_text_model(10));
  ASSERT_EQ(layers.size(), 3U);
  const CallWork work = later_layer_work(layers[1], 3);
  EXPECT_DOUBLE_EQ(work.operations, 3 * 2.0 * 8 * 5);
  EXPECT_DOUBLE_EQ(work.bytes, 180.0 + 3 * 8 * 4);
}

TEST(LaterLayerWork, LeavesOutInactiveInputsAtBatch1Alone) {
  LayerLoad layer = layer_loads(small_text_model(10))[1];
  layer.active = 0.25;
  EXPECT_DOUBLE_EQ(later_layer_work(layer, 1).operations, 0.25 * 2.0 * 8 * 5);
  EXPECT_DOUBLE_EQ(later_layer_work(layer, 1).bytes, 0.25 * 180.0 + 8 * 4);
  EXPECT_DOUBLE_EQ(later_layer_work(layer, 2).operations, 2 * 2.0 * 8 * 5);
  EXPECT_DOUBLE_EQ(later_layer_work(layer, 2).bytes, 180.0 + 2 * 8 * 4);
}

MachineCeilings made_up_ceilings() {
  MachineCeilings machine;
  machine.caches = {1000, 10'000, 100'000};
  machine.threads = 4;
  machine.one_thread = {100.0, 400.0, 200.0, 50.0, 20.0, 10.0, 5.0};
  machine.all_threads = {400.0, 1600.0, 800.0, 200.0, 80.0, 25.0, 5.0};
  return machine;
}

TEST(FloorNs, IsTheSlowerOfArithmeticAndReading) {
  const MachineCeilings machine = made_up_ceilings();
  EXPECT_DOUBLE_EQ(floor_ns({1e6, 10.0}, Scheme::kF32, machine, 1), 1e6 / 100.0);
  EXPECT_DOUBLE_EQ(floor_ns({10.0, 1000.0}, Scheme::kF32, machine, 1), 1000.0 / 50.0);
}

TEST(FloorNs, TakesThePeakOfTheScheme) {
  const MachineCeilings machine = made_up_ceilings();
  const CallWork work = {1e6, 0.0};
  EXPECT_DOUBLE_EQ(floor_ns(work, Scheme::kF16, machine, 1), 1e6 / 100.0);
  EXPECT_DOUBLE_EQ(floor_ns(work, Scheme::kBf16, machine, 1), 1e6 / 200.0);
  for (const Scheme scheme : {Scheme::kInt8, Scheme::kInt8Torch, Scheme::kInt4}) {
    EXPECT_DOUBLE_EQ(floor_ns(work, scheme, machine, 1), 1e6 / 400.0);
  }
  MachineCeilings without_bf16 = machine;
  without_bf16.one_thread.bf16_gflops = without_bf16.all_threads.bf16_gflops = 0.0;
  EXPECT_DOUBLE_EQ(floor_ns(work, Scheme::kBf16, without_bf16, 1), 1e6 / 100.0);
}

TEST(FloorNs, TakesTheSmallestCacheThatHoldsTheBytes) {
  const MachineCeilings machine = made_up_ceilings();
  EXPECT_DOUBLE_EQ(floor_ns({0.0, 1000.0}, Scheme::kF32, machine, 1), 1000.0 / 50.0);
  EXPECT_DOUBLE_EQ(floor_ns({0.0, 1001.0}, Scheme::kF32, machine, 1), 1001.0 / 20.0);
  EXPECT_DOUBLE_EQ(floor_ns({0.0, 10'001.0}, Scheme::kF32, machine, 1), 10'001.0 / 10.0);
  EXPECT_DOUBLE_EQ(floor_ns({0.0, 100'001.0}, Scheme::kF32, machine, 1), 100'001.0 / 5.0);
}

TEST(FloorNs, SharesTheWorkAmongThreadsAsFarAsTheMachineScales) {
  const MachineCeilings machine = made_up_ceilings();
  EXPECT_DOUBLE_EQ(floor_ns({1e6, 0.0}, Scheme::kF32, machine, 2), 1e6 / 200.0);
  EXPECT_DOUBLE_EQ(floor_ns({0.0, 50'000.0}, Scheme::kF32, machine, 2), 50'000.0 / 20.0);
  EXPECT_DOUBLE_EQ(floor_ns({0.0, 50'000.0}, Scheme::kF32, machine, 4), 50'000.0 / 25.0);
  EXPECT_DOUBLE_EQ(floor_ns({0.0, 1e6}, Scheme::kF32, machine, 4), 1e6 / 5.0);
}

}  // namespace
}  // namespace nibble
