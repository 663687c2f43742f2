// What a person sees while a network trains, on standard error: a bar on a terminal, plain lines
// elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "nibble/train/train.h"

namespace nibble::cli {

class Progress {
 public:
  Progress(std::size_t epochs, bool quiet);

  void phase(const std::string& sentence);  // a line of its own
  // Hooks that draw here and stop on Ctrl-C. They refer to this object.
  TrainHooks hooks();

 private:
  using Clock = std::chrono::steady_clock;

  void show_bar(const TrainProgress& progress);
  void show_epoch(const EpochRecord& epoch, bool is_best);
  void clear_bar();

  std::size_t epochs_;
  bool quiet_;
  bool bar_;  // standard error is a terminal that can redraw a line
  bool bar_shown_ = false;
  std::optional<double> accuracy_;  // of the last epoch, per cent
  Clock::time_point drawn_;
};

// "epoch 3/10 [######--------------] 27 %  loss 0.4123  accuracy 80.12 %  52000 rows/s  4 s left"
std::string progress_bar(const TrainProgress& progress, std::size_t epochs,
                         std::optional<double> accuracy);

}  // namespace nibble::cli
