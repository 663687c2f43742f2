// Training: the best network for a training and a validation part.
//
// Adam, AdamW or SGD with PyTorch's meaning (settings.h), cross-entropy averaged over the batch,
// dropout after every hidden ReLU (inverted: kept values times 1/(1-p)), rows shuffled each epoch
// from the seed. The first layer's untouched rows are caught up in closed form when next needed
// (lazy_adam.h), so a sparse batch costs what its non-zeros cost and the result is dense Adam's.
// The same seed gives the same bytes for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nibble/core/error.h"
#include "nibble/core/threads.h"
#include "nibble/data/examples.h"
#include "nibble/data/rows.h"
#include "nibble/network/mlp.h"
#include "nibble/train/row_source.h"
#include "nibble/train/settings.h"
#include "nibble/train/training_state.h"

namespace nibble {

struct TrainProgress {
  std::size_t epoch = 0;      // 1-based, the one under way
  std::size_t rows_done = 0;  // in this epoch
  std::size_t rows = 0;       // in an epoch
  double loss = 0.0;          // mean so far in this epoch
  double seconds = 0.0;       // since training began
};

struct TrainResult {
  Mlp best;  // highest validation accuracy, ties by lower validation loss
  std::size_t best_epoch =
      0;  // 1-based; 0 when no epoch was finished: `best` is then the network as it stood
  History history;
  bool interrupted = false;
  bool stopped_early = false;  // for want of a better epoch (TrainSettings::patience)
};

// What a caller may watch or decide; every member may be empty.
struct TrainHooks {
  std::function<void(const TrainProgress&)> on_progress;  // a few times a second at most
  // `best` is the best network so far: this epoch's when is_best.
  std::function<void(const EpochRecord&, const Mlp& best, bool is_best)> on_epoch;
  std::function<void(std::size_t step, double loss)> on_step;  // 0-based, every batch
  // Asked before every batch; true makes that batch the last, and training ends with the best so
  // far.
  std::function<bool()> should_stop;
  // After every epoch, and when training was stopped: what to store for going on from here. The
  // state is only valid during the call.
  std::function<void(const TrainResult& so_far, const TrainingState& state)> on_state;
};

// Memory for rows is what the sources hold; `validation` must have a batch of 1. Throws
// TrainingDiverged when the loss stops being a finite number. With `resumed`, goes on from
// there: `initial` is then the best network so far. An Error if that state is not one of this
// network, data and batch size; that all else is the same is the caller's to know.
TrainResult train(Mlp initial, RowSource& training, RowSource& validation,
                  const TrainSettings& settings, ThreadPool& pool, const TrainHooks& hooks = {},
                  const TrainingState* resumed = nullptr);
// The same for rows in memory.
TrainResult train(Mlp initial, const LabelledRows& training, const LabelledRows& validation,
                  const TrainSettings& settings, ThreadPool& pool, const TrainHooks& hooks = {},
                  const TrainingState* resumed = nullptr);

// The loss became NaN or infinite. The sentence says when and which setting to lower; `last_good`
// holds what training had before.
class TrainingDiverged : public Error {
 public:
  TrainingDiverged(const std::string& sentence, TrainResult so_far);
  const TrainResult& last_good() const { return *last_good_; }

 private:
  std::shared_ptr<const TrainResult> last_good_;  // exceptions are copied
};

}  // namespace nibble
