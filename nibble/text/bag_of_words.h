// Texts to counts of words, with the meaning of scikit-learn's CountVectorizer defaults:
// lower-case (Unicode, Python's str.lower), tokens (?u)\b\w\w+\b, columns in code-point order of
// the words, values are counts. Source: sklearn/feature_extraction/text.py.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/data/rows.h"
#include "nibble/text/vocabulary.h"

namespace nibble {

// Counts words text by text, for texts that are not all in memory at once.
class WordCounter {
 public:
  WordCounter();
  ~WordCounter();
  WordCounter(const WordCounter&) = delete;
  WordCounter& operator=(const WordCounter&) = delete;
  void add(std::string_view text);
  // As fit_vocabulary below, for the texts added so far.
  Vocabulary vocabulary(std::size_t max_features) const;

 private:
  struct Counts;
  std::unique_ptr<Counts> counts_;
  std::size_t texts_ = 0;
};

// Keeps the max_features most frequent words (total count over all texts). scikit-learn's own tie
// order depends on numpy's version and the CPU; here ties go by count descending, then word
// ascending. 0 means no limit. An Error if no text has any word.
Vocabulary fit_vocabulary(const Texts& texts, std::size_t max_features);

// Appends the entries of one text, columns ascending, and ends the row. Words not in the vocabulary
// are dropped.
void append_bag_of_words(std::string_view text, const Vocabulary& vocabulary, SparseRows& rows);

SparseRows bag_of_words(const Texts& texts, const Vocabulary& vocabulary);

}  // namespace nibble
