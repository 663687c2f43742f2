#include "nibble/data/numeric_csv.h"

#include <algorithm>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/data/label_column.h"
#include "nibble/data/lines.h"
#include "nibble/data/number_row.h"

namespace nibble {
namespace {

struct Row {
  std::string_view numbers;
  std::string_view label;
};

Row split_row(std::string_view line, const Place& place) {
  const std::size_t comma = line.rfind(',');
  if (comma == std::string_view::npos) {
    throw_error("{}: this row has no comma; expected numbers and then a label, commas between them",
                to_string(place));
  }
  std::string_view label = line.substr(comma + 1);
  if (label.size() >= 2 && label.front() == '"' && label.back() == '"') {
    label = label.substr(1, label.size() - 2);
  }
  return {line.substr(0, comma), label};
}

bool is_heading(std::string_view cells) {
  for (std::size_t begin = 0; begin <= cells.size();) {
    const std::size_t end = std::min(cells.find(',', begin), cells.size());
    if (is_number(cells.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace

Examples read_numeric_csv(std::string_view bytes, std::string_view file,
                          const LabelNames& known_labels, std::size_t lines_before) {
  DenseRows rows;
  LabelColumn labels(known_labels);
  Lines lines(bytes, file, lines_before);
  for (std::string_view line; lines.next(line);) {
    const Row row = split_row(line, lines.place());
    if (lines.place().line == 1 && is_heading(row.numbers)) continue;
    const std::size_t columns = append_numbers(row.numbers, lines.place(), rows.values);
    if (rows.rows > 0 && columns != rows.columns) {
      throw_error("{}: {} numbers in this row, but {} in the rows before it",
                  to_string(lines.place()), columns, rows.columns);
    }
    rows.columns = columns;
    ++rows.rows;
    labels.add(row.label, lines.place());
  }
  if (rows.rows == 0) {
    throw_error("'{}' holds no row; expected lines of numbers and then a label", file);
  }
  Examples examples;
  labels.finish(examples);
  examples.inputs = std::move(rows);
  return examples;
}

}  // namespace nibble
