#include "nibble/data/catalogue.h"

#include <cstdlib>
#include <map>

#include "nibble/core/file.h"
#include "nibble/data/download.h"
#include "nibble/data/test_folder.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

// Works in a folder of its own, where no data set is found, with a cache of its own.
class CatalogueTest : public TestFolder {
 protected:
  void SetUp() override {
    TestFolder::SetUp();
    before_ = fs::current_path();
    real_sst2_ = find_real_sst2();
    make_folder(folder_ / "work");
    make_folder(folder_ / "source");
    fs::current_path(folder_ / "work");
    set("NIBBLE_DATA", "");
    set("XDG_CACHE_HOME", (folder_ / "cache").string());
  }
  void TearDown() override {
    fs::current_path(before_);
    for (const auto& [name, value] : old_) {
      if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
      } else {
        ::unsetenv(name.c_str());
      }
    }
    TestFolder::TearDown();
  }
  void set(const std::string& name, const std::string& value) {
    const char* old = std::getenv(name.c_str());
    old_.try_emplace(name, old == nullptr ? std::nullopt : std::optional<std::string>(old));
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  void write_pair(const std::string& in) const {
    make_folder(folder_ / in);
    write(in + "/train.tsv", "a\t1\nb\t0\n");
    write(in + "/test.tsv", "c\t1\n");
  }
  // Found before the environment changes; beside the source tree if not otherwise.
  static fs::path find_real_sst2() {
    const fs::path beside = fs::path(__FILE__).parent_path() / "../../../shared/data/sst2";
    if (fs::exists(beside / "train.tsv")) return fs::canonical(beside);
    const auto found = find_data_set("sst2");
    return found ? fs::canonical(*found) : fs::path();
  }
  std::string source() const { return "file://" + (folder_ / "source").string(); }

  fs::path real_sst2_;

 private:
  fs::path before_;
  std::map<std::string, std::optional<std::string>> old_;
};

TEST_F(CatalogueTest, NamesTheDataSets) {
  ASSERT_EQ(catalogue().size(), 2U);
  EXPECT_EQ(catalogue()[0].name, "sst2");
  EXPECT_EQ(catalogue()[1].name, "fashion-mnist");
  expect_in("there is no data set 'sst3'; those known are sst2, fashion-mnist",
            error_of([] { find_data_set("sst3"); }));
  expect_in("there is no data set", error_of([] { fetch_data_set(""); }));
}

TEST_F(CatalogueTest, FindsADataSetInItsPlaces) {
  EXPECT_EQ(find_data_set("sst2"), std::nullopt);
  write_pair("cache/nibble/sst2");
  EXPECT_EQ(find_data_set("sst2"), folder_ / "cache/nibble/sst2");
  write_pair("shared/data/sst2");
  EXPECT_EQ(find_data_set("sst2"), fs::path("../shared/data/sst2"));
  write_pair("own");
  set("NIBBLE_DATA", (folder_ / "own").string());
  EXPECT_EQ(find_data_set("sst2"), folder_ / "own");
  write_pair("own/sst2");
  EXPECT_EQ(find_data_set("sst2"), folder_ / "own/sst2");
  fs::remove(folder_ / "own/sst2/test.tsv");  // half a data set is none
  EXPECT_EQ(find_data_set("sst2"), folder_ / "own");
}

TEST_F(CatalogueTest, TheCacheIsInTheHomeFolderByDefault) {
  set("XDG_CACHE_HOME", "");
  set("HOME", (folder_ / "home").string());
  write_pair("home/.cache/nibble/sst2");
  EXPECT_EQ(find_data_set("sst2"), folder_ / "home/.cache/nibble/sst2");
}

TEST_F(CatalogueTest, KeepsNothingThatIsNotTheExpectedFile) {
  write_pair("source");
  const std::string sentence = error_of([&] { fetch_data_set("sst2", source()); });
  expect_in("cannot get the data set 'sst2'", sentence);
  expect_in("expected ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920", sentence);
  EXPECT_FALSE(fs::exists(folder_ / "cache"));
}

TEST_F(CatalogueTest, SaysWhyAFetchFailed) {
  const std::string sentence = error_of([&] { fetch_data_set("sst2", source()); });
  expect_in("curl: (37)", sentence);  // cannot read the file
  expect_in("put its files into '" + (folder_ / "cache/nibble/sst2").string() + "'", sentence);
  expect_in("cannot fetch http://", error_of([] { download("http://127.0.0.1:9/plain"); }));
  set("PATH", folder_.string());
  expect_in("curl is not installed", error_of([&] { fetch_data_set("sst2", source()); }));
}

TEST_F(CatalogueTest, FetchesIntoTheCacheOnce) {
  if (real_sst2_.empty()) GTEST_SKIP() << "sst2 is not here; set NIBBLE_DATA to its folder";
  const fs::path folder = fetch_data_set("sst2", "file://" + real_sst2_.string());
  EXPECT_EQ(folder, folder_ / "cache/nibble/sst2");
  EXPECT_EQ(read_file(folder / "test.tsv"), read_file(real_sst2_ / "test.tsv"));
  EXPECT_EQ(fetch_data_set("sst2", "file:///no/such/folder"), folder);
  const TrainAndTest loaded = load_data("sst2");
  EXPECT_EQ(loaded.training.rows(), 6920U);
  EXPECT_EQ(loaded.test->rows(), 1821U);
}

TEST_F(CatalogueTest, NamesThePackageOfASystemDataSet) {
  if (find_data_set("fashion-mnist")) {
    EXPECT_EQ(fetch_data_set("fashion-mnist"), "/usr/share/datasets/fashion-mnist");
  } else {
    expect_in("apt install dataset-fashion-mnist",
              error_of([] { fetch_data_set("fashion-mnist"); }));
  }
}

TEST_F(CatalogueTest, DownloadsAnyNumberOfBytes) {
  for (const std::size_t size : {0U, 1U, 65536U, 1000001U}) {
    const std::string content(size, 'x');
    write("source/file", content);
    EXPECT_EQ(download(source() + "/file"), content);
  }
}

class LoadData : public CatalogueTest {};

TEST_F(LoadData, AFolderHasTwoParts) {
  write_pair("pair");
  const TrainAndTest loaded = load_data((folder_ / "pair").string());
  EXPECT_EQ(loaded.training.rows(), 2U);
  ASSERT_TRUE(loaded.test);
  EXPECT_EQ(loaded.test->labels, std::vector<Label>{1});
  EXPECT_EQ(loaded.test->label_names, loaded.training.label_names);
}

TEST_F(LoadData, AFileIsTrainingAlone) {
  write_pair("pair");
  const TrainAndTest loaded = load_data((folder_ / "pair/train.tsv").string());
  EXPECT_EQ(loaded.training.rows(), 2U);
  EXPECT_FALSE(loaded.test);
}

TEST_F(LoadData, RefusesAFolderItCannotUnderstand) {
  const auto error = [&] { return error_of([&] { load_data((folder_ / "pair").string()); }); };
  make_folder(folder_ / "pair");
  expect_in("holds no training part; expected one of train.tsv, train.csv", error());
  write_pair("pair");
  write("pair/train.csv", "1,2,0\n");
  expect_in("holds both train.tsv and train.csv", error());
  fs::remove(folder_ / "pair/train.tsv");
  expect_in("the label '1' is not among those known: 0", error());
  write("pair/test.tsv", "c\t0\n");
  expect_in("holds numbers but", error());
  fs::remove(folder_ / "pair/test.tsv");
  write("pair/test.csv", "1,0\n");
  expect_in("has 2 columns but", error());
}

TEST_F(LoadData, RefusesWhatIsNotThere) {
  expect_in("'ss2' is neither a file, nor a folder, nor a known data set (sst2, fashion-mnist)",
            error_of([] { load_data("ss2"); }));
}

}  // namespace
}  // namespace nibble
