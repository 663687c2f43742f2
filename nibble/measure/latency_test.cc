#include "nibble/measure/latency.h"

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/measure/synthetic_rows.h"
#include "nibble/measure/test_models.h"

namespace nibble {
namespace {

const TimingLimits kFew{
    .warm_up_calls = 1, .warm_up_seconds = 0.0, .minimum_calls = 12, .seconds = 0.0};

TEST(RepeatRows, WrapsRoundToTheCount) {
  SparseRows rows;
  rows.columns = 9;
  rows.indices = {4, 7};
  rows.values = {1.0F, 2.0F};
  rows.offsets = {0, 1, 2};
  const auto five = std::get<SparseRows>(repeat_rows(rows, 5));
  EXPECT_EQ(five.indices, (std::vector<std::uint32_t>{4, 7, 4, 7, 4}));
  EXPECT_EQ(five.columns, 9U);
  EXPECT_EQ(row_count(view_of(repeat_rows(rows, 1))), 2U);
  EXPECT_THROW(repeat_rows(SparseRows{}, 3), Error);
}

TEST(NetworkCalls, RunWithAndWithoutAPoolAtEveryBatchSize) {
  const Predictor predictor(small_text_model(40));
  const SparseRows rows = synthetic_bags(65, 40);
  ThreadPool pool(2);
  for (const std::size_t batch : {1, 3, 32, 64, 65}) {
    for (ThreadPool* const threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
      const TimedCall call = network_calls(predictor, rows.view(), batch, threads);
      EXPECT_EQ(time_calls(call, kFew).calls, 12U);
    }
  }
}

TEST(NetworkCalls, RefuseBatchesThatTheRowsDoNotFill) {
  const Predictor predictor(small_text_model(40));
  const SparseRows rows = synthetic_bags(5, 40);
  EXPECT_THROW(network_calls(predictor, rows.view(), 6, nullptr), Error);
  EXPECT_THROW(network_calls(predictor, rows.view(), 0, nullptr), Error);
}

TEST(NetworkCalls, TakeDenseRows) {
  const Predictor predictor(small_numeric_model(33));
  const DenseRows rows = synthetic_numbers(4, 33);
  EXPECT_EQ(time_calls(network_calls(predictor, view_of(rows), 2, nullptr), kFew).calls, 12U);
}

TEST(TextCalls, RunAndRefuseNothing) {
  const Predictor predictor(small_text_model(40));
  const Texts texts = {"w01 w02", "", "w39"};
  EXPECT_EQ(time_calls(text_calls(predictor, texts), kFew).calls, 12U);
  const Texts none;
  EXPECT_THROW(text_calls(predictor, none), Error);
}

TEST(TimeColdCalls, CountsOnlyTheCalls) {
  TimingLimits two = kFew;
  two.minimum_calls = 2;
  std::size_t made = 0;
  EXPECT_EQ(time_cold_calls([&](std::size_t) { ++made; }, two).calls, 2U);
  EXPECT_EQ(made, 3U);
}

}  // namespace
}  // namespace nibble
