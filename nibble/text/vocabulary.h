// Vocabulary: the words that have a column, in column order, and the look-up from word to column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nibble {

class Vocabulary {
 public:
  Vocabulary() = default;
  // Words in column order; an Error if one is empty or stands twice.
  explicit Vocabulary(std::vector<std::string> words);

  std::size_t size() const { return words_.size(); }
  const std::vector<std::string>& words() const { return words_; }
  std::optional<std::uint32_t> column(std::string_view word) const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t column_plus_one = 0;  // 0 means free
  };
  // The slot that holds the word, or else the free one where it belongs.
  std::size_t find_slot(std::string_view word, std::uint32_t hash) const;

  std::vector<std::string> words_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
};

}  // namespace nibble
