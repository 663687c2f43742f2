#include "nibble/report/slower_variants.h"

#include <gtest/gtest.h>

#include "nibble/report/sample_study.h"
#include "nibble/report/table.h"

namespace nibble {
namespace {

using Notes = std::vector<std::string>;

// Original, INT8, INT4 and Half, each as fast as the other.
StudyResult equally_fast(const char* level) {
  StudyResult study = sample_study();
  study.machine.cpu_level = level;
  for (ResultRow& row : study.runs.front().variants) {
    row.latency.median_ms = 0.002;
    row.rows_per_second = 1e6;
  }
  return study;
}

TEST(SlowerVariantNotes, AreSilentWhenNothingIsSlower) {
  StudyResult study = equally_fast("avx3_dl");
  EXPECT_EQ(slower_variant_notes(study), Notes{});
  study.runs.front().variants[1].latency.median_ms = 0.00205;  // within 3 %
  study.runs.front().variants[2].latency.median_ms = 0.001;
  EXPECT_EQ(slower_variant_notes(study), Notes{});
}

TEST(SlowerVariantNotes, NameVariantBatchAndFactor) {
  StudyResult study = equally_fast("avx3_dl");
  study.runs.front().variants[1].latency.median_ms = 0.003;
  study.runs.front().variants[3].rows_per_second = 0.8e6;
  EXPECT_EQ(slower_variant_notes(study),
            (Notes{"Dynamic (INT8) was slower than Original at batch 1: 1.50 times its time.",
                   "Half was slower than Original at batch 256: 1.25 times its time; its weights "
                   "are widened to float32 and then cost the same multiplications."}));
  const Notes in_table = study_table(study).notes;
  EXPECT_EQ(in_table.back(), slower_variant_notes(study).back());
}

TEST(SlowerVariantNotes, SayWhatTheCpuLevelLacks) {
  StudyResult study = equally_fast("avx2");
  study.runs.front().variants[2].latency.median_ms = 0.004;
  EXPECT_EQ(slower_variant_notes(study).front(),
            "Dynamic (INT4) was slower than Original at batch 1: 2.00 times its time; level avx2 "
            "builds its byte dot product from 16-bit ones.");
  study.machine.cpu_level = "sse4";
  EXPECT_NE(slower_variant_notes(study).front().find("level sse4 has no byte dot product"),
            std::string::npos);
}

}  // namespace
}  // namespace nibble
