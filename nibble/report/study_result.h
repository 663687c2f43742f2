// Everything a study found: what the table, results.json and the report page are made from. The
// study fills it, this room only reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/data/profile.h"
#include "nibble/measure/machine.h"
#include "nibble/measure/result_row.h"
#include "nibble/train/train.h"

namespace nibble {

struct DataFile {
  std::string path;    // as a person would name it
  std::string sha256;  // 64 hexadecimal digits
};

struct PartProfile {
  std::string name;  // "training", "validation", "test"
  DataProfile profile;
};

// Where the rows came from and how they were parted.
struct DataSummary {
  std::string name;  // the DATA argument
  std::vector<DataFile> files;
  std::vector<PartProfile> parts;
  std::size_t test_rows_in_training = 0;
  std::string split;  // "sklearn", "stratified", "file"
  std::uint32_t split_seed = 0;
  bool is_text = true;
  std::size_t features = 0;  // columns: words of the vocabulary, or numbers of a row
};

// One line of the layer table: a Linear layer.
struct LayerLine {
  std::string name;  // as in checkpoint.pt: "0", "3", ...
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t parameters = 0;
  std::size_t multiply_adds = 0;  // for one row whose every input is used
  std::vector<std::size_t>
      bytes;  // weights, scales and biases in each variant, in the order of SeedRun::variants
};

// Seconds that each phase of the study took, over all seeds.
struct PhaseSeconds {
  double data = 0.0;
  double training = 0.0;
  double quantizing = 0.0;
  double measuring = 0.0;
};

// A test row that some variant labels differently from Original. Labels stand in
// ResultRow::predicted.
struct FlippedRow {
  std::size_t row = 0;  // index into the test set
  Label truth = 0;
  std::string text;  // empty when the data are numbers
};

// One seed's outcome.
struct SeedRun {
  std::uint32_t seed = 0;
  History history;
  std::size_t best_epoch = 0;        // 1-based; 0 when no epoch was finished
  double validation_accuracy = 0.0;  // per cent, of the best epoch
  double validation_loss = 0.0;      // of the best epoch
  double train_seconds = 0.0;
  bool interrupted = false;
  std::vector<ResultRow>
      variants;  // Original first, the same variants in the same order for every seed
};

struct StudyResult {
  DataSummary data;
  LabelNames label_names;
  std::map<std::string, std::string>
      settings;                // name to text: those of Provenance, and others worth telling
  std::size_t parameters = 0;  // of the network
  std::vector<LayerLine> layers;
  MachineInfo machine;
  std::size_t threads = 1;  // that training used; the table's times are of one
  PhaseSeconds seconds;
  std::vector<SeedRun>
      runs;  // at least one; the page shows the first in full, the others in the means
  std::vector<FlippedRow> flipped_rows;  // of the first run, ascending: flipped_rows(...) below

  const SeedRun& first() const { return runs.front(); }
};

// The test rows that any of the variants flips, ascending, with their texts.
std::vector<FlippedRow> flipped_rows(const Examples& test, const std::vector<ResultRow>& variants);

}  // namespace nibble
