#include "nibble/report/table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/thousands.h"
#include "nibble/report/numbers.h"
#include "nibble/report/slower_variants.h"
#include "nibble/report/variant_summary.h"

namespace nibble {
namespace {

constexpr std::size_t kModelNameColumn = 1;

std::string joined(const std::vector<std::string>& parts, const std::string& separator) {
  std::string text;
  for (std::size_t index = 0; index < parts.size(); ++index)
    text += (index == 0 ? "" : separator) + parts[index];
  return text;
}

// "80.24", or "80.24 ± 0.45" when there are several seeds and they differ.
std::string spread_text(const Spread& spread, int decimals) {
  const std::string mean = fmt::format("{:.{}f}", spread.mean, decimals);
  const std::string deviation = fmt::format("{:.{}f}", spread.deviation, decimals);
  return deviation == fmt::format("{:.{}f}", 0.0, decimals) ? mean : mean + " ± " + deviation;
}

std::string flipped_text(const VariantSummary& variant) {
  if (!variant.flipped) return "–";
  const double rows = variant.flipped->mean;
  const bool whole = rows == static_cast<double>(static_cast<std::size_t>(rows));
  return fmt::format("{:.{}f} ({})", rows, whole ? 0 : 1,
                     p_value_text(variant.mcnemar_p.value_or(1.0)));
}

// Decimals of the columns whose values may be microseconds or seconds, chosen once for a whole
// column.
struct Decimals {
  int latency = 0;
  int p99 = 0;
  int text = 0;
};

Decimals decimals_of(const std::vector<VariantSummary>& variants) {
  std::vector<double> latency;
  std::vector<double> p99;
  std::vector<double> text;
  for (const VariantSummary& variant : variants) {
    latency.push_back(variant.latency_ms);
    p99.push_back(variant.p99_ms);
    text.push_back(variant.text_to_label_us.value_or(0.0));
  }
  return {decimals_for(latency), decimals_for(p99), decimals_for(text)};
}

std::vector<std::string> table_row(std::size_t number, const VariantSummary& variant,
                                   const Decimals& decimals) {
  const Interval& interval = variant.accuracy_interval;
  return {std::to_string(number),
          variant.name,
          spread_text(variant.accuracy, 2),
          megabytes_text(variant.bytes.mean),
          fmt::format("{:.{}f}", variant.latency_ms, decimals.latency),
          fmt::format("{:.1f}–{:.1f}", interval.low, interval.high),
          flipped_text(variant),
          fmt::format("{:.{}f}", variant.p99_ms, decimals.p99),
          with_prefix(variant.rows_per_second),
          variant.text_to_label_us
              ? fmt::format("{:.{}f}", *variant.text_to_label_us, decimals.text)
              : "–"};
}

std::vector<std::string> table_notes(const StudyResult& result) {
  const std::size_t test_rows = result.first().variants.front().predicted.size();
  std::vector<std::string> notes = {
      fmt::format("Accuracy on {} test rows, with a 95 % Wilson interval. 1 MB is 1,048,576 bytes "
                  "of the whole file.",
                  with_thousands(test_rows)),
      "Flipped: rows whose label differs from Original's, with the p of an exact McNemar test.",
      "Time: median (and p99) for one row, one thread, features in, logits out. Rows/s: one "
      "thread."};
  if (result.runs.size() > 1)
    notes.push_back(fmt::format(
        "Mean ± standard deviation of {} seeds; times, rows/s and p are medians over them.",
        result.runs.size()));
  if (result.first().interrupted)
    notes.emplace_back(
        "Training was stopped early: these figures are of the best network until then.");
  for (std::string& note : slower_variant_notes(result)) notes.push_back(std::move(note));
  return notes;
}

std::string pad(const std::string& text, std::size_t width, bool left) {
  const std::string blanks(width - std::min(width, display_width(text)), ' ');
  return left ? text + blanks : blanks + text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t end = 0; end != std::string::npos; start = end + 1) {
    end = text.find('\n', start);
    lines.push_back(text.substr(start, end - start));
  }
  return lines;
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string text_line(const std::vector<std::string>& cells,
                      const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t column = 0; column < cells.size(); ++column)
    line +=
        (column == 0 ? "" : "  ") + pad(cells[column], widths[column], column == kModelNameColumn);
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

// Header lines of unequal number end on the same last line.
std::string text_header(const std::vector<std::string>& headers,
                        const std::vector<std::size_t>& widths) {
  std::vector<std::vector<std::string>> blocks;
  std::size_t height = 0;
  for (const std::string& header : headers) {
    blocks.push_back(lines_of(header));
    height = std::max(height, blocks.back().size());
  }
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    std::vector<std::string> cells;
    for (const std::vector<std::string>& block : blocks) {
      const std::size_t above = height - block.size();
      cells.push_back(line < above ? "" : block[line - above]);
    }
    text += text_line(cells, widths);
  }
  return text;
}

std::vector<std::size_t> column_widths(const StudyTable& table) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < table.headers.size(); ++column) {
    std::size_t width = 0;
    for (const std::string& line : lines_of(table.headers[column]))
      width = std::max(width, display_width(line));
    for (const std::vector<std::string>& row : table.rows)
      width = std::max(width, display_width(row[column]));
    widths.push_back(width);
  }
  return widths;
}

std::string markdown_cell(const std::string& text) {
  std::string cell;
  for (const char character : text) cell += character == '|' ? "\\|" : std::string(1, character);
  return cell;
}

std::string markdown_line(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + markdown_cell(one_line(cell)) + " |";
  return line + "\n";
}

// RFC 4180: quoted when it holds a separator, a quote or a line break.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string cell = "\"";
  for (const char character : text) cell += character == '"' ? "\"\"" : std::string(1, character);
  return cell + "\"";
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::vector<std::string> quoted;
  quoted.reserve(cells.size());
  for (const std::string& cell : cells) quoted.push_back(csv_cell(cell));
  return joined(quoted, ",") + "\n";
}

std::string bare(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

std::vector<std::string> csv_row(std::size_t number, const VariantSummary& variant,
                                 bool several_seeds) {
  std::vector<std::string> cells = {std::to_string(number),
                                    variant.name,
                                    fmt::format("{}", variant.accuracy.mean),
                                    fmt::format("{}", variant.bytes.mean / (1024.0 * 1024.0)),
                                    fmt::format("{}", variant.latency_ms),
                                    fmt::format("{}", variant.accuracy_interval.low),
                                    fmt::format("{}", variant.accuracy_interval.high),
                                    variant.flipped ? fmt::format("{}", variant.flipped->mean) : "",
                                    bare(variant.mcnemar_p),
                                    fmt::format("{}", variant.p99_ms),
                                    fmt::format("{}", variant.rows_per_second),
                                    bare(variant.text_to_label_us)};
  if (several_seeds) cells.push_back(fmt::format("{}", variant.accuracy.deviation));
  return cells;
}

}  // namespace

StudyTable study_table(const StudyResult& result) {
  const std::vector<VariantSummary> variants = summarise(result);
  const Decimals decimals = decimals_of(variants);
  StudyTable table;
  table.headers = {"S.I.",
                   "Model Name",
                   "Accuracy\n(Out of\n100)",
                   "Storage\n(In MB)",
                   "Inference\ntime\n(In ms)",
                   "95 %\ninterval",
                   "Flipped\nrows\n(p)",
                   "p99\n(ms)",
                   "Rows/s\n(batch\n256)",
                   "Text to\nlabel\n(µs)"};
  for (std::size_t index = 0; index < variants.size(); ++index)
    table.rows.push_back(table_row(index + 1, variants[index], decimals));
  table.notes = table_notes(result);
  return table;
}

std::string table_text(const StudyResult& result) {
  const StudyTable table = study_table(result);
  const std::vector<std::size_t> widths = column_widths(table);
  std::string text = text_header(table.headers, widths);
  std::vector<std::string> rules;
  rules.reserve(widths.size());
  for (const std::size_t width : widths) rules.emplace_back(width, '-');
  text += text_line(rules, widths);
  for (const std::vector<std::string>& row : table.rows) text += text_line(row, widths);
  return text + "\n" + joined(table.notes, "\n") + "\n";
}

std::string table_markdown(const StudyResult& result) {
  const StudyTable table = study_table(result);
  std::string text = markdown_line(table.headers) + "|";
  for (std::size_t column = 0; column < table.headers.size(); ++column)
    text += column == kModelNameColumn ? " --- |" : " ---: |";
  text += "\n";
  for (const std::vector<std::string>& row : table.rows) text += markdown_line(row);
  return text + "\n" + joined(table.notes, "\n") + "\n";
}

std::string table_csv(const StudyResult& result) {
  const bool several_seeds = result.runs.size() > 1;
  std::vector<std::string> headers = {"S.I.",
                                      "Model Name",
                                      "Accuracy (Out of 100)",
                                      "Storage (In MB)",
                                      "Inference time (In ms)",
                                      "95 % interval low",
                                      "95 % interval high",
                                      "Flipped rows",
                                      "McNemar p",
                                      "p99 latency (ms)",
                                      "Rows/s (batch 256)",
                                      "Text to label (µs)"};
  if (several_seeds) headers.emplace_back("Accuracy standard deviation");
  std::string csv = csv_line(headers);
  const std::vector<VariantSummary> variants = summarise(result);
  for (std::size_t index = 0; index < variants.size(); ++index)
    csv += csv_line(csv_row(index + 1, variants[index], several_seeds));
  return csv;
}

}  // namespace nibble
