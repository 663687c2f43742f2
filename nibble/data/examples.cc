#include "nibble/data/examples.h"

#include <algorithm>

#include <fmt/format.h>

#include "nibble/core/error.h"

namespace nibble {

Examples select_examples(const Examples& examples, const std::vector<std::size_t>& chosen) {
  Examples result{.inputs = Texts{},
                  .labels = {},
                  .label_names = examples.label_names,
                  .source = examples.source,
                  .sha256 = examples.sha256,
                  .scale = examples.scale};
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

Examples with_labels_of(Examples examples, const LabelNames& known) {
  std::vector<Label> renumbered;
  renumbered.reserve(examples.label_names.size());
  for (const std::string& name : examples.label_names) {
    const auto found = std::ranges::find(known, name);
    if (found == known.end()) {
      throw_error("'{}' has a label '{}' that is not among the known ones ({})", examples.source,
                  name, fmt::join(known, ", "));
    }
    renumbered.push_back(static_cast<Label>(found - known.begin()));
  }
  for (Label& label : examples.labels) label = renumbered[static_cast<std::size_t>(label)];
  examples.label_names = known;
  return examples;
}

void require_trainable(const Examples& examples) {
  require_trainable(examples.source, examples.label_names, examples.rows());
}

void require_trainable(const std::string& source, const LabelNames& labels, std::size_t rows) {
  if (labels.size() < 2) {
    throw_error("'{}' has {} label{}; training needs at least two", source, labels.size(),
                labels.empty() ? "s" : " only, '" + labels[0] + "'");
  }
  if (rows < labels.size()) {
    throw_error(
        "cannot train {} labels on {} row{} of '{}'; training needs at least one row for each "
        "label",
        labels.size(), rows, rows == 1 ? "" : "s", source);
  }
}

}  // namespace nibble
