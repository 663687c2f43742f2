// A training's state in its checkpoint: stored while it runs, read to go on with it.
//
// checkpoint.pt is always the best network so far; beside it, under "training_state", stand the
// weights, moments and marks as they are now, the place in the epoch, the history, and what the
// data was. That is some three times the weights, so a finished training's file does not carry it
// unless asked to.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "nibble/formats/checkpoint_state.h"
#include "nibble/model/model.h"
#include "nibble/study/pipeline.h"
#include "nibble/train/train.h"

namespace nibble {

// What the two parts of the data are made of: digests of their files, rows, features, labels.
std::string data_fingerprint(const DataFacts& data);

// `best` as model_from makes it.
void save_training(const Model& best, const TrainingState& state, const DataFacts& data,
                   const std::filesystem::path& path);

// A stored training, ready to go on.
class ResumedTraining {
 public:
  // An Error that names the difference unless the settings (describe_settings) and the data are
  // those of the checkpoint. The data's name may differ, and so may patience; more epochs may be
  // asked for where the learning rate does not depend on their number.
  ResumedTraining(const std::filesystem::path& path, const DataFacts& data,
                  const std::map<std::string, std::string>& settings);

  Mlp take_best() { return std::move(std::get<Mlp>(model_.network)); }
  const TrainingState& state() const { return state_; }

 private:
  Model model_;
  StateValues values_;  // state_ refers to it
  TrainingState state_;
};

}  // namespace nibble
