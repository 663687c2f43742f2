// One variant over all seeds of a study. With one seed these are that seed's figures and every
// deviation is 0.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nibble/report/numbers.h"
#include "nibble/report/study_result.h"

namespace nibble {

struct VariantSummary {
  std::string name;
  Scheme scheme = Scheme::kF32;
  Spread accuracy;             // per cent
  Spread difference;           // accuracy minus Original's of the same seed, points
  Interval accuracy_interval;  // bounds averaged over the seeds, per cent
  Spread bytes;                // of the file
  double latency_ms = 0.0;     // this and all below: medians over the seeds
  double p99_ms = 0.0;
  double rows_per_second = 0.0;
  std::optional<double> text_to_label_us;
  std::optional<Spread> flipped;  // rows; none for Original
  std::optional<double> mcnemar_p;
};

// In the order of SeedRun::variants, Original first.
std::vector<VariantSummary> summarise(const StudyResult& result);
// Of the best epochs, per cent.
Spread validation_accuracy(const StudyResult& result);

}  // namespace nibble
