#include "nibble/report/table.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "nibble/report/numbers.h"
#include "nibble/report/sample_study.h"

namespace nibble {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Table, TextIsAlignedAndFitsATerminal) {
  const std::vector<std::string> lines = lines_of(table_text(sample_study()));
  ASSERT_GE(lines.size(), 8U);
  EXPECT_EQ(lines[2].substr(0, 16), "S.I.  Model Name");
  EXPECT_EQ(lines[4],
            "   1  Original           80.01    20.28   0.003460  78.1–81.8           –  0.00467   "
            "599 k     4.86");
  EXPECT_EQ(lines[6],
            "   3  Dynamic (INT4)     79.79     2.93   0.000870  77.9–81.6  10 (0.344)  0.00117  "
            "1.77 M     2.27");
  for (const std::string& line : lines) EXPECT_LE(display_width(line), 100U) << line;
}

TEST(Table, MarkdownHasTheLabsWords) {
  const std::vector<std::string> lines = lines_of(table_markdown(sample_study()));
  EXPECT_EQ(lines[0],
            "| S.I. | Model Name | Accuracy (Out of 100) | Storage (In MB) | Inference time (In "
            "ms) | 95 % interval | "
            "Flipped rows (p) | p99 (ms) | Rows/s (batch 256) | Text to label (µs) |");
  EXPECT_EQ(lines[1], "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  EXPECT_EQ(lines[3],
            "| 2 | Dynamic (INT8) | 80.12 | 5.14 | 0.001060 | 78.2–81.9 | 2 (0.500) | 0.00143 | "
            "2.08 M | 2.46 |");
}

TEST(Table, CsvHasBareNumbers) {
  const std::vector<std::string> lines = lines_of(table_csv(sample_study()));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_TRUE(lines[0].starts_with(
      "S.I.,Model Name,Accuracy (Out of 100),Storage (In MB),Inference time (In ms),"));
  EXPECT_TRUE(
      lines[3].starts_with("3,Dynamic (INT4),79.79132344865458,2.9262590408325195,0.00087,"));
  for (const std::string& line : lines) EXPECT_EQ(std::ranges::count(line, ','), 11) << line;
}

TEST(Table, SeveralSeedsGiveMeanAndStandardDeviation) {
  // Accuracies of seeds 0, 1, 2 lie 0.3 apart: mean that of seed 1, deviation 0.3.
  const StudyTable table = study_table(sample_study_of(3));
  EXPECT_EQ(table.rows[0][2], "80.31 ± 0.30");
  EXPECT_EQ(table.rows[0][3], "20.28");
  EXPECT_NE(table.notes.back().find("3 seeds"), std::string::npos);
  EXPECT_TRUE(lines_of(table_csv(sample_study_of(3)))[0].ends_with(",Accuracy standard deviation"));
}

TEST(Table, NumericModelsHaveNoTextTime) {
  EXPECT_EQ(study_table(sample_numeric_study()).rows[0].back(), "–");
}

TEST(Table, AnyNameKeepsItsCell) {
  StudyResult result = sample_study();
  result.runs.front().variants[1].name = "a|b, \"c\"";
  EXPECT_NE(table_markdown(result).find("| a\\|b, \"c\" |"), std::string::npos);
  EXPECT_NE(table_csv(result).find("\n2,\"a|b, \"\"c\"\"\","), std::string::npos);
}

TEST(Table, SaysWhenTrainingWasStopped) {
  StudyResult result = sample_study();
  result.runs.front().interrupted = true;
  EXPECT_NE(table_text(result).find("stopped early"), std::string::npos);
}

}  // namespace
}  // namespace nibble
