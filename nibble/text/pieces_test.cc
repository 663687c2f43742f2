// Pieces against a loop over bytes.
#include "nibble/text/pieces.h"

#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace nibble::detail {
namespace {

using Found = std::vector<std::tuple<std::size_t, std::size_t, bool>>;

bool is_upper(char byte) { return byte >= 'A' && byte <= 'Z'; }
bool is_separator(char byte) {
  const bool lower = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
  return static_cast<unsigned char>(byte) < 0x80 && !lower && !is_upper(byte);
}

Found expected(std::string_view text) {
  Found found;
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = begin;
    bool special = false;
    for (; end < text.size() && !is_separator(text[end]); ++end)
      special = special || is_upper(text[end]) || static_cast<unsigned char>(text[end]) >= 0x80;
    if (end - begin >= 2) found.emplace_back(begin, end, special);
    begin = end + 1;
  }
  return found;
}

Found found(std::string_view text) {
  Found all;
  Pieces pieces(text);
  for (Piece piece; pieces.next(piece);) all.emplace_back(piece.begin, piece.end, piece.special);
  return all;
}

TEST(Pieces, EveryByteInEveryPlaceOfAWord) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (std::size_t place = 0; place < 9; ++place) {
      std::string text = "ab1_ cd9z";
      text[place] = static_cast<char>(byte);
      EXPECT_EQ(found(text), expected(text)) << byte << " at " << place;
    }
  }
}

TEST(Pieces, EverySizeAndPlace) {
  for (std::size_t size = 0; size <= 200; ++size) {
    EXPECT_EQ(found(std::string(size, 'a')), expected(std::string(size, 'a'))) << size;
    for (std::size_t place = 0; place < size; ++place) {
      for (const char byte : {' ', 'A', '\xC3'}) {
        std::string text(size, 'a');
        text[place] = byte;
        ASSERT_EQ(found(text), expected(text)) << size << ", " << place;
      }
    }
  }
}

// Few kinds of bytes, so that short and long runs of each come up at every place of a block.
TEST(Pieces, RandomText) {
  std::mt19937 random(1);
  const std::string bytes = "aaaaaaaaaaaabz09_  ,.Z\xE9";
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 300, ' ');
    for (char& byte : text) byte = bytes[random() % bytes.size()];
    ASSERT_EQ(found(text), expected(text)) << text;
  }
}

}  // namespace
}  // namespace nibble::detail
