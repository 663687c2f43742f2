// The whole study: data, split, features, training, every precision, the table.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/measure/result_row.h"
#include "nibble/model/model.h"
#include "nibble/train/train.h"

namespace nibble {

// One seed's outcome.
struct StudyResult {
  std::uint32_t seed = 0;
  Model original;  // the best network of training
  History history;
  std::size_t best_epoch = 0;
  double validation_accuracy = 0.0;  // per cent, of the best epoch
  double train_seconds = 0.0;
  bool interrupted = false;
  std::vector<ResultRow> variants;  // Original first
};

}  // namespace nibble
