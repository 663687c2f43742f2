#include "nibble/report/history_csv.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(HistoryCsv, OneLineForEachEpoch) {
  EXPECT_EQ(history_csv({}), "epoch,train_loss,validation_loss,validation_accuracy,seconds\n");
  EXPECT_EQ(history_csv({{1, 0.5, 0.25, 80.0, 0.125}, {2, 0.1, 1e-9, 100.0, 3.0}}),
            "epoch,train_loss,validation_loss,validation_accuracy,seconds\n"
            "1,0.5,0.25,80,0.125\n"
            "2,0.1,1e-09,100,3\n");
}

}  // namespace
}  // namespace nibble
