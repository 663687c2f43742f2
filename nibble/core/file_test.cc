#include "nibble/core/file.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("nibble_file_test_" + std::to_string(::getpid()));
    make_folder(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }
  fs::path folder_;
};

TEST_F(FileTest, WritesAndReadsBack) {
  const fs::path path = folder_ / "a";
  const std::string content("zero\0byte", 9);
  write_file_atomically(path, content);
  EXPECT_EQ(read_file(path), content);
  EXPECT_EQ(MappedFile(path).text(), content);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(FileTest, AnEmptyFileMapsToNothing) {
  write_file_atomically(folder_ / "empty", "");
  EXPECT_TRUE(MappedFile(folder_ / "empty").bytes().empty());
}

TEST_F(FileTest, WithoutCommitTheOldFileStays) {
  const fs::path path = folder_ / "a";
  write_file_atomically(path, "old");
  {
    AtomicFile file(path);
    file.write(std::string_view("half of the new"));
    EXPECT_EQ(file.written(), 15U);
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(FileTest, RemovesWhatKilledWritersLeft) {
  const std::string dead = "999999999";  // beyond the largest process number of Linux
  const std::string ours = std::to_string(::getpid());
  const std::string gone = ".a.pt." + dead + ".partial";
  const std::vector<std::string> stay = {"a.pt", ".b.pt." + dead + ".partial", ".a.pt." + dead,
                                         ".a.pt.x9.partial"};
  for (const std::string& name : stay) write_file_atomically(folder_ / name, "x");
  for (const auto& entry : fs::directory_iterator(folder_))
    fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - std::chrono::hours(1));
  write_file_atomically(folder_ / gone, "x");
  const AtomicFile under_way(folder_ / "a.pt");  // removes it, too, as every write does
  EXPECT_FALSE(fs::exists(folder_ / gone));
  const fs::path live = folder_ / (".a.pt." + ours + ".partial");
  fs::last_write_time(live, fs::file_time_type::clock::now() - std::chrono::hours(1));
  write_file_atomically(folder_ / gone, "x");
  remove_abandoned(folder_ / "a.pt");
  EXPECT_FALSE(fs::exists(folder_ / gone));
  for (const std::string& name : stay) EXPECT_TRUE(fs::exists(folder_ / name)) << name;
  EXPECT_TRUE(fs::exists(live));  // locked
  remove_abandoned(folder_ / "no" / "such");
}

TEST_F(FileTest, RefusesWhatIsMissingOrAFolder) {
  EXPECT_THROW(read_file(folder_ / "missing"), Error);
  EXPECT_THROW(read_file(folder_), Error);
  EXPECT_THROW(MappedFile{folder_}, Error);
  EXPECT_THROW(AtomicFile{folder_}, Error);
  EXPECT_THROW(AtomicFile{folder_ / "no" / "such"}, Error);
}

TEST_F(FileTest, AMappingCanBeMoved) {
  write_file_atomically(folder_ / "a", "content");
  MappedFile first(folder_ / "a");
  const MappedFile second = std::move(first);
  EXPECT_EQ(second.text(), "content");
}

}  // namespace
}  // namespace nibble
