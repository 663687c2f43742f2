// Everything about the speed of one stored model on this machine, beside what the machine could do
// at most.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/measure/ceilings.h"
#include "nibble/measure/floor.h"
#include "nibble/measure/layer_times.h"
#include "nibble/measure/machine.h"
#include "nibble/measure/timing.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"
#include "nibble/quant/scheme.h"

namespace nibble {

struct BenchSettings {
  std::vector<std::size_t> batches = {1, 8, 32, 256, 1024};
  std::size_t threads =
      0;  // the most to use; 0: all processors. 1, 2, 4, ... and this many are run
  std::vector<std::size_t> layer_batches = {1, 256};  // at which each layer is timed alone
  double seconds = 0.1;  // for each figure; batch 1 takes at least 1,000 calls all the same
  std::function<void(std::string_view step)> on_step;  // told what comes next; may be empty
};

// One kind of call.
struct BenchRun {
  std::size_t batch = 1;
  std::size_t threads = 1;
  InputKind input = InputKind::kSparse;
  CallTimes times;               // of one call, warm caches
  double rows_per_second = 0.0;  // back to back
  CallWork work;                 // of one call
  double floor_ns = 0.0;         // the least one call can take here (floor.h)
};

// floor / time: 1 is as fast as this machine can be.
inline double share_of_floor(double floor_ns, double ns) { return ns > 0.0 ? floor_ns / ns : 0.0; }

// Signs that something else used the machine meanwhile.
struct Noise {
  double cpu_share = 1.0;    // processor time of the timed thread / time that passed
  double drift = 0.0;        // CallTimes::drift, the median over the runs on one thread
  double peak_change = 0.0;  // the f32 ceiling at the end against the beginning, as a share
  bool noisy() const;        // one of them is beyond a few per cent
};

struct BenchReport {
  std::filesystem::path file;
  Scheme scheme = Scheme::kF32;
  MlpShape shape;
  std::string rows;  // what the calls were fed with, for people
  MachineInfo machine;
  MachineCeilings ceilings;
  double load_ms = 0.0;  // load_time.h
  // Of this process, once the model was loaded and had answered.
  std::size_t peak_resident_bytes = 0;
  std::vector<BenchRun> runs;
  std::vector<LayerTime> layers;  // one thread, warm; a bag of words sparse
  CallTimes cold;                 // batch 1, nothing in a cache
  std::optional<CallTimes> text;  // text to label, batch 1; none for numeric models
  Noise noise;
};

// Times the model with the inputs of `examples`, or with synthetic rows if there are none. A
// bag-of-words model gets sparse rows and the same rows dense; a numeric model dense rows. An Error
// if the file cannot be read, the inputs do not fit, there is no row or a batch is 0.
BenchReport bench_model(const std::filesystem::path& file, const std::optional<Examples>& examples,
                        const BenchSettings& settings);

}  // namespace nibble
