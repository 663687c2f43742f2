#include "nibble/data/labelled_text.h"

#include <utility>

#include "nibble/core/error.h"
#include "nibble/data/label_column.h"
#include "nibble/data/lines.h"

namespace nibble {
namespace {

struct Row {
  std::string_view sentence;
  std::string_view label;
};

Row split_row(std::string_view line, const Place& place) {
  const std::size_t tab = line.rfind('\t');
  if (tab == std::string_view::npos) {
    throw_error("{}: this row has no TAB; expected a sentence, a TAB and a label",
                to_string(place));
  }
  return {line.substr(0, tab), line.substr(tab + 1)};
}

bool is_heading(const Row& row) {
  return (row.sentence == "sentence" || row.sentence == "text") && row.label == "label";
}

}  // namespace

Examples read_labelled_text(std::string_view bytes, std::string_view file,
                            const LabelNames& known_labels, std::size_t lines_before) {
  Texts texts;
  LabelColumn labels(known_labels);
  Lines lines(bytes, file, lines_before);
  for (std::string_view line; lines.next(line);) {
    const Row row = split_row(line, lines.place());
    if (lines.place().line == 1 && is_heading(row)) continue;
    labels.add(row.label, lines.place());
    texts.emplace_back(row.sentence);
  }
  if (texts.empty()) {
    throw_error("'{}' holds no row; expected lines of a sentence, a TAB and a label", file);
  }
  Examples examples;
  labels.finish(examples);
  examples.inputs = std::move(texts);
  return examples;
}

}  // namespace nibble
