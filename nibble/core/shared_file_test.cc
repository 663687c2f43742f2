#include "nibble/core/shared_file.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace nibble {
namespace {

namespace fs = std::filesystem;

class SharedFileTest : public testing::Test {
 protected:
  // `pages` and three bytes, each page of another letter.
  void make(std::size_t pages) {
    path_ = fs::temp_directory_path() / ("nibble_shared_file_test_" + std::to_string(::getpid()));
    for (std::size_t page = 0; page < pages; ++page)
      content_.append(page_size(), static_cast<char>('a' + page % 26));
    content_ += "end";
    write_file_atomically(path_, content_);
    file_ = std::make_shared<const MappedFile>(path_);
  }
  void TearDown() override { fs::remove(path_); }

  static std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
  std::span<const std::byte> bytes() const { return file_->bytes(); }

  fs::path path_;
  std::string content_;
  SharedFile file_;
};

TEST_F(SharedFileTest, CopiesEveryByteAtAnyPlaceAndLength) {
  make(600);  // more than two pieces
  const std::size_t piece = PagesBehind::kPiece;
  for (const std::size_t begin : {std::size_t{0}, std::size_t{1}, page_size() - 1, piece})
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, page_size() + 1, piece,
                                   piece + 1, content_.size() - begin}) {
      const std::size_t count = std::min(size, content_.size() - begin);
      std::string copy(count, '?');
      copy_from_file(file_.get(), bytes().subspan(begin, count), copy.data());
      EXPECT_EQ(copy, content_.substr(begin, count)) << begin << ' ' << size;
    }
  EXPECT_EQ(file_->text(), content_);  // what was given back is still there
}

TEST_F(SharedFileTest, BytesThatLieElsewhereAreOnlyCopied) {
  const std::string from = "elsewhere";
  std::string to(from.size(), '?');
  copy_from_file(nullptr, std::as_bytes(std::span(from)), to.data());
  EXPECT_EQ(to, from);
}

// A model's codes may stay in the file while its scales, not aligned there, were copied: giving
// back memory that is no file's would wipe it.
TEST_F(SharedFileTest, BytesThatLieElsewhereAreNotGivenBack) {
  make(1);
  const std::vector<char> elsewhere(3 * PagesBehind::kPiece, 'x');
  std::vector<char> copy(elsewhere.size());
  copy_from_file(file_.get(), std::as_bytes(std::span(elsewhere)), copy.data());
  EXPECT_EQ(copy, elsewhere);
  EXPECT_EQ(elsewhere, std::vector<char>(elsewhere.size(), 'x'));
}

TEST_F(SharedFileTest, AReaderMaySayAnyPlaceInAnyOrder) {
  make(600);
  PagesBehind behind(file_.get(), bytes().subspan(5));
  for (const std::size_t done : {std::size_t{0}, content_.size(), std::size_t{3}, ~std::size_t{0}})
    behind.advance(done);
  EXPECT_EQ(file_->text(), content_);
}

}  // namespace
}  // namespace nibble
