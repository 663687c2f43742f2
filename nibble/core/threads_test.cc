#include "nibble/core/threads.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

class ThreadPoolTest : public testing::TestWithParam<std::size_t> {};

TEST_P(ThreadPoolTest, RunsEveryPieceOnce) {
  ThreadPool pool(GetParam());
  for (const std::size_t pieces : {0U, 1U, 2U, 3U, 64U, 1000U}) {
    std::vector<std::atomic<int>> calls(pieces);
    pool.run(pieces, [&](std::size_t piece) { ++calls[piece]; });
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
}

TEST_P(ThreadPoolTest, PassesAnExceptionOnAndStaysUsable) {
  ThreadPool pool(GetParam());
  EXPECT_THROW(pool.run(10,
                        [](std::size_t piece) {
                          if (piece == 5) throw Error("five");
                        }),
               Error);
  std::atomic<int> sum = 0;
  pool.run(10, [&](std::size_t piece) { sum += static_cast<int>(piece); });
  EXPECT_EQ(sum, 45);
}

TEST_P(ThreadPoolTest, ManyShortRuns) {
  ThreadPool pool(GetParam());
  std::atomic<std::size_t> total = 0;
  for (int run = 0; run < 2000; ++run) pool.run(4, [&](std::size_t) { ++total; });
  EXPECT_EQ(total, 8000U);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 8));

TEST(AvailableProcessors, IsAtLeastOne) { EXPECT_GE(available_processors(), 1U); }

}  // namespace
}  // namespace nibble
