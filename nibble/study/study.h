// The whole study of the lab: data, training, every precision, the table, the report.
//
// run_study trains one network per seed, stores it in every precision, and measures what was
// stored: each figure comes from loading the file that a user would ship. It writes, under
// `output`:
//   checkpoint.pt  history.csv  curves.png  curves.svg  models/*.safetensors  table.md  table.csv
//   results.json report.html; with several seeds also seeds/N/ with the same checkpoint, history
//   and models for each further seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "nibble/network/mlp.h"
#include "nibble/report/study_result.h"
#include "nibble/study/pipeline.h"
#include "nibble/train/train.h"

namespace nibble {

struct StudyOptions {
  DataOptions data;
  std::vector<std::size_t> hidden = {512, 256, 128, 64};
  TrainSettings training;            // `training.seed` is the first seed
  std::size_t seeds = 1;             // how many, counting up from the first
  std::vector<std::string> schemes;  // recipes beside the four precisions of the lab
  std::size_t threads = 0;  // for training; 0: all available. Times in the table are of one thread.
  std::filesystem::path output;
};

struct StudyHooks {
  std::function<void(const std::string& sentence)> on_phase;  // what begins now, for people
  TrainHooks training;
};

// An Error when the data has no test part or a setting makes no sense. A training that was stopped
// (should_stop) still gives the whole table, from the best network so far; `interrupted` says so,
// and no further seed is begun.
StudyResult run_study(const StudyOptions& options, const StudyHooks& hooks = {});

// The shape a network gets for prepared data.
MlpShape network_shape(const DataFacts& data, const std::vector<std::size_t>& hidden);

// A Model around the best network of a training: featurizer, labels, settings and figures of its
// best epoch.
Model model_from(const TrainResult& trained, const DataFacts& data, const DataOptions& options,
                 const std::vector<std::size_t>& hidden, const TrainSettings& settings);

}  // namespace nibble
