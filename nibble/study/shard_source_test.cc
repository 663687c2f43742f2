#include "nibble/study/shard_source.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "nibble/data/split.h"
#include "nibble/data/test_folder.h"

namespace nibble {
namespace {

using Which = PartOfFile::Which;

class ShardSourceTest : public TestFolder {
 protected:
  static constexpr std::size_t kRows = 500;

  // Row r is the numbers r, 2 r and label r % 3.
  ShardedFile numbers() const {
    std::string text;
    for (std::size_t r = 0; r < kRows; ++r) text += fmt::format("{},{},{}\n", r, 2 * r, r % 3);
    return {write("rows.csv", text), {}, [](const Examples&, std::uint64_t) {}, 64};
  }

  // The first numbers of the rows of one epoch, in order; each row is checked on the way.
  static std::vector<std::size_t> epoch_of(RowSource& source, std::size_t epoch,
                                           std::size_t batch) {
    std::vector<std::size_t> rows;
    source.begin(epoch);
    bool ended = false;
    while (const auto window = source.next()) {
      EXPECT_FALSE(ended) << "a window after one that is no multiple of the batch";
      ended = window->order.size() % batch != 0;
      const auto& view = std::get<DenseRowsView>(window->part.rows);
      for (const std::uint32_t at : window->order) {
        const auto row = static_cast<std::size_t>(view.row(at)[0]);
        EXPECT_EQ(view.row(at)[1], 2.0F * view.row(at)[0]);
        EXPECT_EQ(window->part.labels[at], static_cast<Label>(row % 3));
        rows.push_back(row);
      }
    }
    return rows;
  }

  const Featurizer featurizer_ = Numeric{2, 1.0F};
};

TEST_F(ShardSourceTest, EveryRowOnceWhateverTheWindow) {
  const ShardedFile file = numbers();
  for (const std::size_t window : {1U, 7U, 32U, 100U, 1000U}) {
    ShardSource source(file, featurizer_, {}, {kRows}, {window, 32, true, 5});
    std::vector<std::size_t> rows = epoch_of(source, 1, 32);
    std::ranges::sort(rows);
    ASSERT_EQ(rows.size(), kRows);
    for (std::size_t r = 0; r < kRows; ++r) EXPECT_EQ(rows[r], r);
  }
}

TEST_F(ShardSourceTest, AnOrderForEachEpochAndSeed) {
  const ShardedFile file = numbers();
  ShardSource source(file, featurizer_, {}, {kRows}, {64, 32, true, 5});
  ShardSource other(file, featurizer_, {}, {kRows}, {64, 32, true, 6});
  const auto first = epoch_of(source, 1, 32);
  EXPECT_NE(epoch_of(source, 2, 32), first);
  EXPECT_NE(epoch_of(other, 1, 32), first);
  EXPECT_EQ(epoch_of(source, 1, 32), first);  // going back is possible: resuming needs it
}

TEST_F(ShardSourceTest, UnshuffledIsTheOrderOfTheFile) {
  const ShardedFile file = numbers();
  ShardSource source(file, featurizer_, {}, {kRows}, {10, 1, false, 0});
  const auto rows = epoch_of(source, 3, 1);
  EXPECT_EQ(rows.size(), kRows);
  EXPECT_TRUE(std::ranges::is_sorted(rows));
}

TEST_F(ShardSourceTest, TheTwoPartsAreTheHashedSplit) {
  const ShardedFile file = numbers();
  const Split split = hashed_split(kRows, 0.2, 42);
  const auto part = [&](Which which, std::size_t rows) {
    ShardSource source(file, featurizer_, {which, 0.2, 42}, {rows}, {50, 1, false, 0});
    return epoch_of(source, 1, 1);
  };
  EXPECT_EQ(part(Which::kTraining, split.training.size()), split.training);
  EXPECT_EQ(part(Which::kValidation, split.validation.size()), split.validation);
}

// A batch of a shuffled epoch comes from all over the file, not from one place.
TEST_F(ShardSourceTest, RowsOfAWindowComeFromManyPlaces) {
  const ShardedFile file = numbers();
  ShardSource source(file, featurizer_, {}, {kRows}, {250, 32, true, 1});
  const auto rows = epoch_of(source, 1, 32);
  std::set<std::size_t> places;
  for (std::size_t i = 0; i < 32; ++i) places.insert(rows[i] / 50);
  EXPECT_GE(places.size(), 6U);
}

TEST_F(ShardSourceTest, TextBecomesABagOfWords) {
  const auto path = write("rows.tsv", "good film\ta\nbad film bad\tb\nnothing known\ta\n");
  const ShardedFile file(
      path, {}, [](const Examples&, std::uint64_t) {}, 4);
  const Featurizer words = BagOfWords{Vocabulary({"bad", "film", "good"})};
  ShardSource source(file, words, {}, {2, 1}, {2, 1, false, 0});
  source.begin(1);
  const auto window = source.next();
  ASSERT_TRUE(window.has_value());
  const auto& rows = std::get<SparseRowsView>(window->part.rows);
  ASSERT_EQ(rows.rows, 2U);
  EXPECT_EQ(rows.columns, 3U);
  EXPECT_EQ(rows.row_indices(1)[0], 0U);
  EXPECT_EQ(rows.row_values(1)[0], 2.0F);
  const auto second = source.next();
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(std::get<SparseRowsView>(second->part.rows).row_indices(0).empty());
  EXPECT_FALSE(source.next().has_value());
}

}  // namespace
}  // namespace nibble
