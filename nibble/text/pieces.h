// Cuts text into pieces: runs of bytes between ASCII bytes that are no word characters.
//
// 64 bytes at a time become two words of bits, and pieces are found by counting zeros in them: a
// byte at a time, every piece ends in a mispredicted branch.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nibble::detail {

// Bit i stands for byte i.
struct ByteClasses {
  std::uint64_t separators = 0;  // ASCII and neither a letter, a digit nor '_'; not ASCII: none
  std::uint64_t special = 0;     // upper-case ASCII letters, and whatever is not ASCII
};

// Of eight bytes, in the low eight bits.
inline ByteClasses classify_word(std::uint64_t bytes) {
  static_assert(std::endian::native == std::endian::little, "byte i is bits 8i to 8i + 7");
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x80 * kOnes;
  // A sum reaches a byte's highest bit from the first character of a range on, and from the one
  // behind its last; seven bits plus at most 0x80 do not reach the next byte.
  const auto from = [](std::uint64_t seven_bits, std::uint64_t character) {
    return seven_bits + (0x80 - character) * kOnes;
  };
  const std::uint64_t ascii = bytes & ~kHigh;
  const std::uint64_t lowered = ascii | 0x20 * kOnes;
  const std::uint64_t letters = from(lowered, 'a') & ~from(lowered, 'z' + 1);
  const std::uint64_t digits = from(ascii, '0') & ~from(ascii, '9' + 1);
  const std::uint64_t not_underscores = from(ascii ^ '_' * kOnes, 1);
  const std::uint64_t upper = letters & ~(ascii << 2);  // 0x20, the bit of lower case, is not set
  // Moves every byte's highest bit to the top byte, in order.
  const auto gather = [](std::uint64_t highest) {
    return ((highest & kHigh) >> 7) * 0x0102040810204080 >> 56;
  };
  return {gather(~(letters | digits | ~not_underscores | bytes)), gather(upper | bytes)};
}

inline ByteClasses classify_block(const char* bytes) {
  ByteClasses classes;
  for (unsigned i = 0; i < 64; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, sizeof(word));
    const ByteClasses part = classify_word(word);
    classes.separators |= part.separators << i;
    classes.special |= part.special << i;
  }
  return classes;
}

struct Piece {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool special = false;  // has a byte that is
};

// The pieces of a text that have at least two bytes, in order.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : text_(text) { load(); }

  bool next(Piece& piece) {
    while (ends_ == 0) {
      if (block_ + kBlock > text_.size()) return false;
      step();
    }
    const auto end = static_cast<unsigned>(std::countr_zero(ends_));
    ends_ &= ends_ - 1;
    const std::uint64_t before = (std::uint64_t{1} << end) - 1;
    const unsigned begin = behind_last(classes_.separators & before);
    const bool special = (classes_.special & before & ~low_bits(begin)) != 0;
    piece = {begin == 0 ? begin_ : block_ + begin, block_ + end,
             special || (begin == 0 && special_)};
    return true;
  }

 private:
  static constexpr std::size_t kBlock = 64;
  static unsigned behind_last(std::uint64_t bits) {
    return kBlock - static_cast<unsigned>(std::countl_zero(bits));
  }
  static std::uint64_t low_bits(unsigned count) {
    return count == kBlock ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  }

  // What follows the text counts as separators, which zeros are.
  void load() {
    char last[kBlock] = {};
    const char* bytes = text_.data() + block_;
    if (block_ + kBlock > text_.size()) {
      if (block_ < text_.size()) std::memcpy(last, bytes, text_.size() - block_);
      bytes = last;
    }
    classes_ = classify_block(bytes);
    const std::uint64_t others = ~classes_.separators;
    ends_ =
        classes_.separators & (others << 1 | others_before_ >> 1) & (others << 2 | others_before_);
    others_before_ = others >> (kBlock - 2);
  }

  void step() {
    const unsigned begin = behind_last(classes_.separators);
    if (begin > 0) {
      begin_ = block_ + begin;
      special_ = false;
    }
    special_ = special_ || (classes_.special & ~low_bits(begin)) != 0;
    block_ += kBlock;
    load();
  }

  std::string_view text_;
  std::size_t block_ = 0;  // where the block at hand begins
  ByteClasses classes_;
  std::uint64_t ends_ = 0;           // of its pieces that are still to come
  std::uint64_t others_before_ = 0;  // whether the last two bytes before it were no separators
  std::size_t begin_ = 0;            // of the piece that reaches into the block from before
  bool special_ = false;             // whether that has had such a byte
};

}  // namespace nibble::detail
