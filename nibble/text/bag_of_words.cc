#include "nibble/text/bag_of_words.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/core/hash.h"
#include "nibble/text/tokenizer.h"

namespace nibble {
namespace {

struct Hash {
  using is_transparent = void;  // find() by std::string_view, without making a string
  std::size_t operator()(std::string_view word) const { return hash_bytes(word); }
};
using WordCount = std::pair<std::string, std::size_t>;

bool more_frequent(const WordCount& a, const WordCount& b) {
  return a.second != b.second ? a.second > b.second : a.first < b.first;
}

// Replaces the ascending columns from `begin` on by each column once, and its count by value.
void count_runs(std::size_t begin, SparseRows& rows) {
  auto& indices = rows.indices;
  std::size_t end = begin;
  for (std::size_t i = begin; i < indices.size(); ++i) {
    if (end > begin && indices[end - 1] == indices[i]) {
      rows.values[end - 1] += 1.0F;
    } else {
      indices[end++] = indices[i];
      rows.values.push_back(1.0F);
    }
  }
  indices.resize(end);
}

// Looks words up a few at a time: alone, each waits for the table's memory (30 ns a word, as much
// as all the rest of the way from text to columns).
class LookUps {
 public:
  LookUps(const Vocabulary& vocabulary, std::vector<std::uint32_t>& columns)
      : vocabulary_(vocabulary), columns_(columns) {}

  // A word that stays where it is until finish() may wait.
  void add(std::string_view word, bool stays) {
    const std::uint32_t hash = Vocabulary::hash(word);
    if (!stays) return look_up({word, hash});
    vocabulary_.prefetch(hash);
    waiting_[count_++] = {word, hash};
    if (count_ == waiting_.size()) finish();
  }

  void finish() {
    for (std::size_t i = 0; i < count_; ++i) look_up(waiting_[i]);
    count_ = 0;
  }

 private:
  struct Word {
    std::string_view word;
    std::uint32_t hash;
  };
  void look_up(const Word& word) {
    if (const auto column = vocabulary_.column(word.word, word.hash)) columns_.push_back(*column);
  }

  const Vocabulary& vocabulary_;
  std::vector<std::uint32_t>& columns_;
  std::array<Word, 32> waiting_;
  std::size_t count_ = 0;
};

bool is_within(std::string_view word, std::string_view text) {
  const std::less_equal<const char*> not_after;
  return not_after(text.data(), word.data()) &&
         not_after(word.data() + word.size(), text.data() + text.size());
}

}  // namespace

struct WordCounter::Counts {
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> of_word;
};

WordCounter::WordCounter() : counts_(std::make_unique<Counts>()) {}
WordCounter::~WordCounter() = default;

void WordCounter::add(std::string_view text) {
  ++texts_;
  auto& counts = counts_->of_word;
  for_each_token(text, [&](std::string_view word) {
    const auto found = counts.find(word);
    if (found == counts.end()) {
      counts.emplace(word, 1);
    } else {
      ++found->second;
    }
  });
}

Vocabulary WordCounter::vocabulary(std::size_t max_features) const {
  const auto& counts = counts_->of_word;
  if (counts.empty()) {
    throw_error(
        "cannot make a vocabulary: none of the {} texts has a word of two or more letters or "
        "digits; is the text in the right column?",
        texts_);
  }
  std::vector<WordCount> by_count(counts.begin(), counts.end());
  std::ranges::sort(by_count, more_frequent);
  if (max_features != 0 && by_count.size() > max_features) by_count.resize(max_features);
  std::vector<std::string> words;
  words.reserve(by_count.size());
  for (WordCount& entry : by_count) words.push_back(std::move(entry.first));
  std::ranges::sort(words);  // by bytes, which in UTF-8 is by code point
  return Vocabulary(words);
}

Vocabulary fit_vocabulary(const Texts& texts, std::size_t max_features) {
  WordCounter counter;
  for (const std::string& text : texts) counter.add(text);
  return counter.vocabulary(max_features);
}

void append_bag_of_words(std::string_view text, const Vocabulary& vocabulary, SparseRows& rows) {
  const std::size_t begin = rows.indices.size();
  LookUps look_ups(vocabulary, rows.indices);
  for_each_token(text, [&](std::string_view word) { look_ups.add(word, is_within(word, text)); });
  look_ups.finish();
  std::sort(rows.indices.begin() + static_cast<std::ptrdiff_t>(begin), rows.indices.end());
  count_runs(begin, rows);
  rows.end_row();
}

SparseRows bag_of_words(const Texts& texts, const Vocabulary& vocabulary) {
  SparseRows rows;
  rows.columns = vocabulary.size();
  for (const std::string& text : texts) append_bag_of_words(text, vocabulary, rows);
  return rows;
}

}  // namespace nibble
