#include "nibble/report/page.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "nibble/core/file.h"
#include "nibble/report/sample_study.h"

namespace nibble {
namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Every page that the tests below look at, also for people: NIBBLE_SAMPLE_PAGES names a folder for
// them.
TEST(Page, WritesSamplesWhereAsked) {
  const char* folder = std::getenv("NIBBLE_SAMPLE_PAGES");
  if (folder == nullptr) GTEST_SKIP() << "NIBBLE_SAMPLE_PAGES names no folder for sample pages";
  make_folder(folder);
  const std::filesystem::path path = folder;
  write_file_atomically(path / "one-seed.html", report_page(sample_study()));
  write_file_atomically(path / "three-seeds.html", report_page(sample_study_of(3)));
  write_file_atomically(path / "numbers.html", report_page(sample_numeric_study()));
}

TEST(Page, NeedsNothingFromOutside) {
  for (const std::string& page : {report_page(sample_study()), report_page(sample_study_of(3)),
                                  report_page(sample_numeric_study())}) {
    EXPECT_FALSE(contains(page, "http:") || contains(page, "https:"));
    EXPECT_FALSE(contains(page, "src=") || contains(page, "@import") || contains(page, "url("));
    EXPECT_EQ(count_of(page, "<script"), 0U);
  }
}

TEST(Page, SentencesOfTheDataStayText) {
  const std::string page = report_page(sample_study());
  EXPECT_TRUE(contains(page, "&lt;script&gt;alert(&#39;stolen&#39;)&lt;/script&gt;"));
  EXPECT_TRUE(contains(page, "&lt;/td&gt;&lt;/table&gt;&lt;h1&gt;broken out&lt;/h1&gt;"));
  EXPECT_EQ(count_of(page, "<h1>"), 1U);
}

TEST(Page, NamesFromOutsideStayText) {
  StudyResult result = sample_study();
  const std::string evil = "<img src=x onerror=alert(1)>\"'";
  result.label_names = {evil, evil};
  result.data.name = evil;
  result.data.files.front().path = evil;
  result.settings[evil] = evil;
  result.machine.cpu_model = evil;
  for (PartProfile& part : result.data.parts) part.profile.labels.front().name = evil;
  for (ResultRow& variant : result.runs.front().variants) variant.name = variant.file = evil;
  EXPECT_EQ(count_of(report_page(result), "<img"), 0U);
}

TEST(Page, OpensAndClosesEveryElement) {
  for (const std::string& page : {report_page(sample_study()), report_page(sample_study_of(3)),
                                  report_page(sample_numeric_study())}) {
    for (const char* element :
         {"section", "table", "thead", "tbody", "tr", "figure", "svg", "g", "dl", "ul", "div"}) {
      const std::string name = element;
      EXPECT_EQ(count_of(page, "<" + name + ">") + count_of(page, "<" + name + " "),
                count_of(page, "</" + name + ">"))
          << name;
    }
  }
}

TEST(Page, SaysWhatTheTableSays) {
  const std::string page = report_page(sample_study());
  for (const char* text :
       {"5,293,122", "80.12", "Accuracy (Out of 100)", "Storage (In MB)", "Inference time (In ms)",
        "Dynamic (INT4)", "AMD EPYC 9B14", "seed 42", "learning_rate"})
    EXPECT_TRUE(contains(page, text)) << text;
  EXPECT_TRUE(contains(page, std::string(64, 'e')));
}

TEST(Page, ShowsSeedsOnlyWhenThereAreSeveral) {
  EXPECT_FALSE(contains(report_page(sample_study()), "id=\"seeds\""));
  EXPECT_TRUE(contains(report_page(sample_study_of(3)), "id=\"seeds\""));
}

TEST(Page, BearsAStudyWithoutAnEpochOrAFlip) {
  StudyResult result = sample_study();
  SeedRun& run = result.runs.front();
  run.history.clear();
  run.best_epoch = 0;
  run.interrupted = true;
  result.flipped_rows.clear();
  const std::string page = report_page(result);
  EXPECT_FALSE(contains(page, "id=\"training\""));
  EXPECT_TRUE(contains(page, "stopped before its first epoch ended"));
  EXPECT_TRUE(contains(page, "every precision gives every test row the label that Original gives"));
}

TEST(Page, BearsManyLabels) {
  StudyResult result = sample_study();
  result.label_names.resize(21, "x");
  EXPECT_TRUE(contains(report_page(result), "21 labels are too many"));
}

}  // namespace
}  // namespace nibble
