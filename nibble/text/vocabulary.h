// Vocabulary: the words that have a column, in column order, and the look-up from word to column.
// Or, hashed, no words at all: a column for each bucket, and every word in the bucket of its hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/core/hash.h"

namespace nibble {

class Vocabulary {
 public:
  Vocabulary() = default;
  // Words in column order; an Error if one is empty or stands twice.
  explicit Vocabulary(const std::vector<std::string>& words);
  // The words are the lines of the text. One without a line feed is one word.
  static Vocabulary of_lines(std::string text);

  // 1 to 2^31 - 1 buckets. The column of a word is that of scikit-learn's HashingVectorizer with
  // n_features=buckets and alternate_sign=False: abs(MurmurHash3_x86_32 of its UTF-8, as an int32)
  // mod buckets. An Error for another number.
  static Vocabulary hashed(std::size_t buckets);
  bool is_hashed() const { return buckets_ > 0; }

  // Columns.
  std::size_t size() const {
    if (is_hashed()) return buckets_;
    return begins_.empty() ? 0 : begins_.size() - 1;
  }
  // Not of a hashed one.
  std::string_view word(std::size_t column) const {
    return std::string_view(text_).substr(begins_[column],
                                          begins_[column + 1] - begins_[column] - 1);
  }
  // None of a hashed one.
  std::vector<std::string> words() const;
  // "film"; "bucket17", which is a word, too.
  std::string column_name(std::size_t column) const;
  // All words with a line feed between two of them.
  std::string_view text() const { return text_; }
  std::optional<std::uint32_t> column(std::string_view word) const {
    return column(word, hash(word));
  }

  // A look-up in two parts: many can be begun before the first is finished, and their memory comes
  // together.
  static std::uint32_t hash(std::string_view word) { return hash(word, word.size()); }
  // `readable`: how many bytes from the word's first one on may be read; more make it faster.
  static std::uint32_t hash(std::string_view word, std::size_t readable) {
    return static_cast<std::uint32_t>(hash_bytes(word, readable));
  }
  void prefetch(std::uint32_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }
  std::optional<std::uint32_t> column(std::string_view word, std::uint32_t hash) const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t column_plus_one = 0;  // 0 means free
  };
  Vocabulary(std::string text, std::vector<std::uint32_t> begins);
  void fill_slots();
  // The slot that holds the word, or else the free one where it belongs.
  std::size_t find_slot(std::string_view word, std::uint32_t hash) const;

  // One text instead of a string for each word: a model with 10,000 words loads in a third of the
  // time.
  std::string text_;
  std::vector<std::uint32_t> begins_;  // of the words in text_, and one past its end and line feed
  std::size_t buckets_ = 0;            // of a hashed one
  std::vector<Slot> slots_;            // open addressing, a power of two, at most half full
};

}  // namespace nibble
