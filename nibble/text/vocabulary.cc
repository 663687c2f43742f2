#include "nibble/text/vocabulary.h"

#include <bit>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/core/murmur_hash.h"

namespace nibble {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (&word != &words.front()) text += '\n';
    text += word;
  }
  return text;
}

std::vector<std::uint32_t> begins_of(const std::vector<std::string>& words) {
  std::vector<std::uint32_t> begins = {0};
  for (const std::string& word : words)
    begins.push_back(begins.back() + static_cast<std::uint32_t>(word.size() + 1));
  return begins;
}

std::vector<std::uint32_t> begins_of_lines(std::string_view text) {
  std::vector<std::uint32_t> begins = {0};
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n', end + 1))
    begins.push_back(static_cast<std::uint32_t>(end + 1));
  begins.push_back(static_cast<std::uint32_t>(text.size() + 1));
  return begins;
}

constexpr std::size_t kMostBuckets = 0x7FFFFFFF;

std::uint32_t bucket_of(std::string_view word, std::size_t buckets) {
  const std::uint32_t hash = murmur_hash(word);
  // The magnitude of an int32; that of the lowest one is 2^31, which scikit-learn takes, too.
  const std::uint32_t magnitude = (hash & 0x80000000U) != 0 ? ~hash + 1 : hash;
  return static_cast<std::uint32_t>(magnitude % buckets);
}

}  // namespace

Vocabulary Vocabulary::hashed(std::size_t buckets) {
  if (buckets == 0 || buckets > kMostBuckets)
    throw_error("cannot hash words into {} buckets; expected 1 to {}", buckets, kMostBuckets);
  Vocabulary vocabulary;
  vocabulary.buckets_ = buckets;
  return vocabulary;
}

Vocabulary::Vocabulary(const std::vector<std::string>& words)
    : Vocabulary(joined(words), begins_of(words)) {}

Vocabulary Vocabulary::of_lines(std::string text) {
  std::vector<std::uint32_t> begins = begins_of_lines(text);
  return {std::move(text), std::move(begins)};
}

Vocabulary::Vocabulary(std::string text, std::vector<std::uint32_t> begins)
    : text_(std::move(text)), begins_(std::move(begins)) {
  // Then there are fewer than 2^31 words, too: between any two stands a line feed, and none is
  // empty.
  if (text_.size() >= std::numeric_limits<std::uint32_t>::max())
    throw_error("cannot make a vocabulary of {} bytes; at most 2^32 - 2 are possible",
                text_.size());
  if (size() > 0) fill_slots();
}

void Vocabulary::fill_slots() {
  slots_.resize(std::bit_ceil(2 * size()));
  for (std::size_t i = 0; i < size(); ++i) {
    const std::string_view own = word(i);
    if (own.empty()) throw_error("word {} of the vocabulary is empty", i);
    const std::uint32_t own_hash = hash(own);
    Slot& slot = slots_[find_slot(own, own_hash)];
    if (slot.column_plus_one != 0) {
      throw_error("the word '{}' stands twice in the vocabulary: at {} and at {}", own,
                  slot.column_plus_one - 1, i);
    }
    slot = {own_hash, static_cast<std::uint32_t>(i + 1)};
  }
}

std::vector<std::string> Vocabulary::words() const {
  std::vector<std::string> result;
  if (is_hashed()) return result;
  result.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) result.emplace_back(word(i));
  return result;
}

std::string Vocabulary::column_name(std::size_t column) const {
  return is_hashed() ? fmt::format("bucket{}", column) : std::string(word(column));
}

std::size_t Vocabulary::find_slot(std::string_view wanted, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t index = hash & mask;; index = (index + 1) & mask) {
    const Slot& slot = slots_[index];
    if (slot.column_plus_one == 0) return index;
    if (slot.hash == hash && word(slot.column_plus_one - 1) == wanted) return index;
  }
}

std::optional<std::uint32_t> Vocabulary::column(std::string_view wanted, std::uint32_t hash) const {
  if (is_hashed()) return bucket_of(wanted, buckets_);
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[find_slot(wanted, hash)];
  if (slot.column_plus_one == 0) return std::nullopt;
  return slot.column_plus_one - 1;
}

}  // namespace nibble
