#include "nibble/data/shards.h"

#include <numeric>
#include <string>

#include "nibble/data/test_folder.h"

namespace nibble {
namespace {

class ShardsTest : public TestFolder {
 protected:
  static void append(const Examples& shard, Examples& all) {
    all.labels.insert(all.labels.end(), shard.labels.begin(), shard.labels.end());
    if (shard.is_text()) {
      auto& texts = std::get<Texts>(all.inputs);
      texts.insert(texts.end(), shard.texts().begin(), shard.texts().end());
      return;
    }
    if (all.is_text()) all.inputs = DenseRows();
    auto& rows = std::get<DenseRows>(all.inputs);
    rows.rows += shard.numbers().rows;
    rows.columns = shard.numbers().columns;
    rows.values.insert(rows.values.end(), shard.numbers().values.begin(),
                       shard.numbers().values.end());
  }

  // All shards one after the other must be what load_examples gives for the whole file.
  static void expect_whole(const std::filesystem::path& path, std::size_t shard_bytes) {
    SCOPED_TRACE(shard_bytes);
    const Examples whole = load_examples(path);
    std::uint64_t rows_seen = 0;
    const ShardedFile file(
        path, {},
        [&](const Examples& shard, std::uint64_t first_row) {
          EXPECT_EQ(first_row, rows_seen);
          rows_seen += shard.rows();
        },
        shard_bytes);
    EXPECT_EQ(rows_seen, whole.rows());
    EXPECT_EQ(file.rows(), whole.rows());
    EXPECT_EQ(file.sha256(), whole.sha256);
    EXPECT_EQ(file.label_names(), whole.label_names);
    Examples all;
    for (std::size_t i = 0; i < file.shards(); ++i) append(file.read(i), all);
    EXPECT_EQ(all.labels, whole.labels);
    EXPECT_EQ(all.inputs, whole.inputs);
  }

  static ShardedFile open(const std::filesystem::path& path, std::size_t shard_bytes) {
    return {path, {}, [](const Examples&, std::uint64_t) {}, shard_bytes};
  }

  // Both say the same of a bad file.
  static void expect_same_error(const std::filesystem::path& path) {
    const std::string whole = error_of([&] { load_examples(path); });
    EXPECT_EQ(error_of([&] { open(path, 8); }), whole);
  }
};

TEST_F(ShardsTest, TextOfEveryShape) {
  const std::string rows = "one\tb\ntwo two\ta\n\tb\nthree\tc\nf\ta\n";
  for (const std::string& content :
       {rows, rows + "\n\r\n\n", rows.substr(0, rows.size() - 1), "sentence\tlabel\n" + rows,
        "\xEF\xBB\xBF" + rows, std::string("a\tx\r\nb\ty\r\n"), std::string("only\t1")}) {
    const auto path = write("rows.tsv", content);
    for (std::size_t bytes = 1; bytes < content.size() + 3; ++bytes) expect_whole(path, bytes);
  }
}

TEST_F(ShardsTest, NumbersOfEveryShape) {
  const std::string rows = "1,2,b\n3,4.5,a\n-1,0,b\n";
  for (const std::string& content : {rows, "x,y,label\n" + rows, rows + "\n"}) {
    const auto path = write("rows.csv", content);
    for (std::size_t bytes = 1; bytes < content.size() + 3; ++bytes) expect_whole(path, bytes);
  }
}

TEST_F(ShardsTest, LabelsAreSortedOverAllShards) {
  EXPECT_EQ(open(write("rows.tsv", "a\t10\nb\t9\nc\t1\n"), 4).label_names(),
            (LabelNames{"1", "9", "10"}));
}

TEST_F(ShardsTest, KnownLabelsKeepTheirOrder) {
  const auto path = write("rows.tsv", "a\tx\nb\ty\n");
  const ShardedFile file(
      path, {"y", "z", "x"}, [](const Examples&, std::uint64_t) {}, 4);
  EXPECT_EQ(file.label_names(), (LabelNames{"y", "z", "x"}));
  EXPECT_EQ(file.read(0).labels.front(), 2);
}

TEST_F(ShardsTest, SaysWhatTheWholeReaderSays) {
  expect_same_error(write("empty.tsv", ""));
  expect_same_error(write("tab.tsv", "good\ta\nbad\nmore\tb\n"));
  expect_same_error(write("blank.tsv", "one\ta\n\ntwo\tb\n"));
  expect_same_error(write("nul.tsv", std::string("one\ta\ntwo\tb\nx\0y\tb\n", 18)));
  expect_same_error(write("number.csv", "1,2,a\n1,x,b\n"));
}

TEST_F(ShardsTest, ColumnsAreTheSameInAllShards) {
  EXPECT_NE(error_of([&] {
              open(write("r.csv", "1,2,a\n1,2,b\n1,a\n"), 6);
            }).find("1 numbers in row 3, but 2 in the rows before it"),
            std::string::npos);
}

TEST_F(ShardsTest, RefusesWhatCannotBeReadTwiceOrInPieces) {
  EXPECT_NE(error_of([&] { open(write("x.gz", "\x1F\x8B rest"), 8); }).find("IDX or gzip"),
            std::string::npos);
  EXPECT_NE(error_of([&] { open(folder_, 8); }).find("folder"), std::string::npos);
}

TEST_F(ShardsTest, NoticesAChangedFile) {
  const auto path = write("rows.tsv", "aaaa\tx\nbbbb\ty\n");
  const ShardedFile file = open(path, 64);
  write("rows.tsv", "aa\tx\na\ty\nbb\ty\n");
  EXPECT_NE(error_of([&] { file.read(0); }).find("was changed"), std::string::npos);
  write("rows.tsv", "aa\tx\n");
  EXPECT_NE(error_of([&] { file.read(0); }).find("ended after"), std::string::npos);
}

}  // namespace
}  // namespace nibble
