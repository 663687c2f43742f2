// One line of the study's table: what one stored variant of the model costs and gives.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nibble/core/threads.h"
#include "nibble/data/examples.h"
#include "nibble/formats/model_file.h"
#include "nibble/measure/statistics.h"
#include "nibble/measure/timing.h"
#include "nibble/quant/scheme.h"

namespace nibble {

// Of the time of one call, over at least 1,000 calls in five warmed-up rounds, milliseconds.
struct Latency {
  double median_ms = 0.0;
  double p90_ms = 0.0;
  double p99_ms = 0.0;
};

// Rows whose label differs from Original's, by whether the change made the row right or wrong.
struct Flips {
  std::vector<std::size_t> rows;  // indices into the test set, ascending
  std::size_t gained = 0;         // wrong in Original, right here
  std::size_t lost = 0;           // right in Original, wrong here
  double mcnemar_p = 1.0;         // exact two-sided McNemar test on gained against lost
};

struct ResultRow {
  std::string name;  // "Original", "Dynamic (INT8)", ...
  Scheme scheme = Scheme::kF32;
  std::string file;       // where the variant is stored
  double accuracy = 0.0;  // per cent of test rows
  Interval accuracy_interval;
  StorageBreakdown storage;      // bytes
  Latency latency;               // features in to logits out, batch 1, one thread
  double rows_per_second = 0.0;  // batch 256, one thread
  std::optional<double>
      text_to_label_us;          // microseconds for one text at batch 1; none for numeric models
  std::optional<Flips> flips;    // none for Original itself
  std::vector<Label> predicted;  // one for each test row
  // confusion[truth][predicted], counts of test rows
  std::vector<std::vector<std::size_t>> confusion;

  double megabytes() const { return static_cast<double>(storage.file) / (1024.0 * 1024.0); }
};

// A stored variant of a model, by the table's name for it.
struct VariantFile {
  std::string name;
  std::filesystem::path file;
};

struct VariantTiming {
  // Of each of latency, rate and text to label: five rounds of 30 ms, thousands of calls of some
  // microseconds. Whoever waits for the table waits for 0.15 s of each figure.
  TimingLimits limits{.seconds = 0.15};
  ThreadPool* pool = nullptr;  // for the accuracy alone; all times are of one thread
};

// One row for each variant. The first is Original, with which the others are compared. The files
// are loaded, so that the rows speak of what is stored, and timed in turns (timing.h).
// An Error if a file cannot be read, if there is no test row, or if a model was made for other
// labels or inputs.
std::vector<ResultRow> measure_variants(const std::vector<VariantFile>& variants,
                                        const Examples& test, const VariantTiming& timing = {});

}  // namespace nibble
