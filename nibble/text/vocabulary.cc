#include "nibble/text/vocabulary.h"

#include <bit>
#include <limits>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/core/hash.h"

namespace nibble {
namespace {

std::uint32_t hash_of(std::string_view word) {
  return static_cast<std::uint32_t>(hash_bytes(word));
}

}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  if (words_.empty()) return;
  if (words_.size() >= std::numeric_limits<std::uint32_t>::max() / 2) {
    throw_error("cannot make a vocabulary of {} words; at most 2^31 have a column", words_.size());
  }
  slots_.resize(std::bit_ceil(2 * words_.size()));
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (words_[i].empty()) throw_error("word {} of the vocabulary is empty", i);
    const std::uint32_t hash = hash_of(words_[i]);
    Slot& slot = slots_[find_slot(words_[i], hash)];
    if (slot.column_plus_one != 0) {
      throw_error("the word '{}' stands twice in the vocabulary: at {} and at {}", words_[i],
                  slot.column_plus_one - 1, i);
    }
    slot = {hash, static_cast<std::uint32_t>(i + 1)};
  }
}

std::size_t Vocabulary::find_slot(std::string_view word, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t index = hash & mask;; index = (index + 1) & mask) {
    const Slot& slot = slots_[index];
    if (slot.column_plus_one == 0) return index;
    if (slot.hash == hash && words_[slot.column_plus_one - 1] == word) return index;
  }
}

std::optional<std::uint32_t> Vocabulary::column(std::string_view word) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[find_slot(word, hash_of(word))];
  if (slot.column_plus_one == 0) return std::nullopt;
  return slot.column_plus_one - 1;
}

}  // namespace nibble
