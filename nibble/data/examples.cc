#include "nibble/data/examples.h"

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

}  // namespace nibble
