#include "nibble/report/curves.h"

#include <cstdlib>

#include <gtest/gtest.h>
#include <unistd.h>

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/core/program.h"
#include "nibble/report/sample_study.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

class CurvesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("nibble_curves_test_" + std::to_string(::getpid()));
    make_folder(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static bool gnuplot_is_here() { return run_program({"gnuplot", "--version"}).found; }
  fs::path folder_;
};

History constant_history(std::size_t epochs) {
  History history;
  for (std::size_t epoch = 1; epoch <= epochs; ++epoch)
    history.push_back({epoch, 0.5, 0.5, 50.0, 0.1});
  return history;
}

TEST_F(CurvesTest, DrawsEveryLengthOfHistory) {
  if (!gnuplot_is_here()) GTEST_SKIP() << "gnuplot is not installed";
  for (const std::size_t epochs : {1, 2, 3, 10, 31, 200}) {
    write_curves(sample_history(epochs), epochs, folder_);
    EXPECT_EQ(read_file(folder_ / "curves.png").substr(1, 3), "PNG") << epochs;
    const std::string svg = read_file(folder_ / "curves.svg");
    EXPECT_NE(svg.find("Validation accuracy (%)"), std::string::npos);
    EXPECT_NE(svg.find("Epoch"), std::string::npos);
    EXPECT_NE(svg.find("best epoch"), std::string::npos);
  }
}

TEST_F(CurvesTest, DrawsValuesThatNeverChangeAndExtremeOnes) {
  if (!gnuplot_is_here()) GTEST_SKIP() << "gnuplot is not installed";
  write_curves(constant_history(1), 1, folder_);
  write_curves(constant_history(5), 1, folder_);
  write_curves({{1, 0.0, 0.0, 0.0, 0.0}, {2, 0.0, 0.0, 0.0, 0.0}}, 2, folder_);
  write_curves({{1, 1e12, 3.0, 0.0, 0.0}, {2, 1e-9, 2.0, 100.0, 0.0}}, 2, folder_);
  EXPECT_EQ(read_file(folder_ / "curves.png").substr(1, 3), "PNG");
}

TEST_F(CurvesTest, WritesNothingWithoutAnEpoch) {
  write_curves({}, 0, folder_);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(CurvesTest, NamesThePackageWhenGnuplotIsMissing) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder_.c_str(), 1);
  try {
    write_curves(sample_history(2), 1, folder_);
    ADD_FAILURE() << "drew without gnuplot";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("gnuplot-nox"), std::string::npos);
  }
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST(CurvesScript, TicksAreWholeEpochs) {
  EXPECT_NE(curves_script(sample_history(1), 1).find("set xtics 1,1,1\n"), std::string::npos);
  EXPECT_NE(curves_script(sample_history(10), 7).find("set xtics 1,1,10\n"), std::string::npos);
  EXPECT_NE(curves_script(sample_history(200), 7).find("set xtics 20,20,200\n"), std::string::npos);
}

}  // namespace
}  // namespace nibble
