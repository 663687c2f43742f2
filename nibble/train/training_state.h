// All that a training needs to go on as if it had never stopped: bytes for bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nibble/core/aligned.h"

namespace nibble {

struct EpochRecord {
  std::size_t epoch = 0;         // 1-based
  double train_loss = 0.0;       // mean over the epoch's batches, dropout on, as training saw it
  double validation_loss = 0.0;  // dropout off
  double validation_accuracy = 0.0;  // per cent
  double seconds = 0.0;              // this epoch, evaluation included
};
using History = std::vector<EpochRecord>;

// The trainer's numbers as they lie in its memory (weights and moments, padded), and for each
// feature of a sparse first layer the step of its last gradient and the step its weights have
// taken, which may be a later one than `steps` (SparseLayer::expect). The moments are not brought
// to one step as PyTorch's are: that could not be undone to the last bit.
struct TrainerState {
  std::uint32_t steps = 0;                      // taken
  std::vector<std::span<const float>> numbers;  // of the trainer, or of whoever read them
  std::vector<std::int64_t> marks;              // two for each feature; none for dense rows
};

struct TrainingState {
  TrainerState trainer;
  std::size_t epochs = 0;   // finished
  std::size_t batches = 0;  // of the epoch after them
  double loss_sum = 0.0;    // over those batches
  History history;
  std::size_t best_epoch = 0;  // 0: none yet; the best network itself is kept beside this
};

}  // namespace nibble
