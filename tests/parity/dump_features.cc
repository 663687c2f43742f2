// For features_parity.py: splits a file of sentence TAB label, fits the vocabulary on the training
// part and prints all of it, so that scikit-learn can be asked for the same.
//
//   dump_features FILE sklearn|stratified|none SEED MAX_FEATURES
//
// Lines out: the training rows' numbers; the validation rows' numbers (none: all rows train, none
// validates); the words in column order; then for each training row, and each validation row after
// them, "column:count" for every entry. All with spaces between them.
#include <cstdlib>
#include <exception>
#include <numeric>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/data/readers.h"
#include "nibble/data/split.h"
#include "nibble/text/bag_of_words.h"

namespace {

using nibble::Examples;
using nibble::Split;

Split split_of(const Examples& examples, std::string_view kind, std::uint32_t seed) {
  constexpr double share = 0.2;
  if (kind == "sklearn") return nibble::shuffle_split(examples.rows(), share, seed);
  if (kind == "stratified") return nibble::stratified_split(examples.labels, share, seed);
  if (kind != "none") nibble::throw_error("'{}' is no kind of split", kind);
  Split all;
  all.training.resize(examples.rows());
  std::iota(all.training.begin(), all.training.end(), std::size_t{0});
  return all;
}

void print_rows(const nibble::Texts& texts, const nibble::Vocabulary& vocabulary) {
  const nibble::SparseRows rows = nibble::bag_of_words(texts, vocabulary);
  const nibble::SparseRowsView view = rows.view();
  for (std::size_t row = 0; row < view.rows; ++row) {
    const auto indices = view.row_indices(row);
    std::string line;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      line += fmt::format("{}{}:{}", i == 0 ? "" : " ", indices[i], view.row_values(row)[i]);
    }
    fmt::print("{}\n", line);
  }
}

void dump(const char* file, const char* kind, const char* seed, const char* max_features) {
  const Examples examples = nibble::load_examples(file);
  const auto seed_number = static_cast<std::uint32_t>(std::strtoul(seed, nullptr, 10));
  const Split split = split_of(examples, kind, seed_number);
  fmt::print("{}\n{}\n", fmt::join(split.training, " "), fmt::join(split.validation, " "));
  const Examples training = nibble::select_examples(examples, split.training);
  const Examples validation = nibble::select_examples(examples, split.validation);
  const nibble::Vocabulary vocabulary =
      nibble::fit_vocabulary(training.texts(), std::strtoul(max_features, nullptr, 10));
  fmt::print("{}\n", fmt::join(vocabulary.words(), " "));
  print_rows(training.texts(), vocabulary);
  print_rows(validation.texts(), vocabulary);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count != 5) nibble::throw_error("expected FILE KIND SEED MAX_FEATURES");
    dump(arguments[1], arguments[2], arguments[3], arguments[4]);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "dump_features: {}\n", error.what());
    return 1;
  }
}
