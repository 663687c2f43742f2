#include "nibble/data/examples.h"

#include "nibble/core/error.h"

namespace nibble {

Examples select_examples(const Examples& examples, const std::vector<std::size_t>& chosen) {
  Examples result{.inputs = Texts{},
                  .labels = {},
                  .label_names = examples.label_names,
                  .source = examples.source,
                  .sha256 = examples.sha256};
  result.labels.reserve(chosen.size());
  for (const std::size_t row : chosen) result.labels.push_back(examples.labels[row]);
  if (!examples.is_text()) {
    result.inputs = std::get<DenseRows>(select_rows(examples.numbers(), chosen));
    return result;
  }
  Texts texts;
  texts.reserve(chosen.size());
  for (const std::size_t row : chosen) texts.push_back(examples.texts()[row]);
  result.inputs = std::move(texts);
  return result;
}

void require_trainable(const Examples& examples) {
  if (examples.label_names.size() < 2) {
    throw_error("'{}' has {} label{}; training needs at least two", examples.source,
                examples.label_names.size(),
                examples.label_names.empty() ? "s" : " only, '" + examples.label_names[0] + "'");
  }
  if (examples.rows() < examples.label_names.size()) {
    throw_error("'{}' has {} rows for {} labels; training needs at least one row for each",
                examples.source, examples.rows(), examples.label_names.size());
  }
}

}  // namespace nibble
