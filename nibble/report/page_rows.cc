// The sections about single rows: confusion matrices and the rows that flipped.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "nibble/core/thousands.h"
#include "nibble/report/html.h"
#include "nibble/report/numbers.h"
#include "nibble/report/page_sections.h"

namespace nibble {
namespace {

// Larger matrices are for programs: results.json has them.
constexpr std::size_t kMostLabels = 20;
constexpr std::size_t kMostLabelsSideBySide = 4;
constexpr std::size_t kMostFlippedRows = 200;

std::string change_text(std::size_t now, std::size_t before) {
  if (now == before) return "";
  return now > before ? fmt::format("+{}", now - before) : fmt::format("−{}", before - now);
}

HtmlTable confusion_table(const ResultRow& variant, const ResultRow& original,
                          const LabelNames& labels) {
  HtmlTable table;
  table.caption = variant.name;
  table.style = "confusion";
  table.headers = {"true ↓ predicted →"};
  table.headers.insert(table.headers.end(), labels.begin(), labels.end());
  for (std::size_t truth = 0; truth < labels.size(); ++truth) {
    const std::vector<std::size_t>& counts = variant.confusion[truth];
    const auto rows =
        static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
    std::vector<HtmlCell> cells = {{.text = labels[truth]}};
    for (std::size_t label = 0; label < labels.size(); ++label)
      cells.push_back({.text = with_thousands(counts[label]),
                       .style = truth == label      ? "right"
                                : counts[label] > 0 ? "wrong"
                                                    : "none",
                       .note = change_text(counts[label], original.confusion[truth][label]),
                       .shade = rows > 0.0 ? static_cast<double>(counts[label]) / rows : 0.0});
    table.rows.push_back(std::move(cells));
  }
  return table;
}

const std::string& label_name(const StudyResult& result, Label label) {
  return result.label_names[static_cast<std::size_t>(label)];
}

// A variant's label for a row, and what it means against Original's.
HtmlCell label_cell(const StudyResult& result, const FlippedRow& row, const ResultRow& variant) {
  const Label label = variant.predicted[row.row];
  const bool right = label == row.truth;
  const bool flipped = label != result.first().variants.front().predicted[row.row];
  return {.text = fmt::format("{} {}", right ? "✓" : "✗", label_name(result, label)),
          .style = !flipped ? "kept"
                   : right  ? "gained"
                            : "lost"};
}

std::vector<HtmlCell> flips_row(const StudyResult& result, const FlippedRow& row) {
  std::vector<HtmlCell> cells = {{.text = with_thousands(row.row)}};
  if (result.data.is_text)
    cells.push_back({.text = row.text.empty() ? "(empty)" : row.text, .style = "sentence"});
  cells.push_back({.text = label_name(result, row.truth), .style = "label"});
  for (const ResultRow& variant : result.first().variants)
    cells.push_back(label_cell(result, row, variant));
  return cells;
}

HtmlTable flips_table(const StudyResult& result) {
  HtmlTable table;
  table.caption = "Test rows that some precision labels differently from Original";
  table.style = "flips";
  table.headers = {"Row (from 0)"};
  if (result.data.is_text) table.headers.emplace_back("Text");
  table.text_columns = table.headers.size();
  table.headers.emplace_back("Truth");
  for (const ResultRow& variant : result.first().variants) table.headers.push_back(variant.name);
  const std::size_t shown = std::min(kMostFlippedRows, result.flipped_rows.size());
  for (std::size_t row = 0; row < shown; ++row)
    table.rows.push_back(flips_row(result, result.flipped_rows[row]));
  return table;
}

std::string seed_remark(const StudyResult& result) {
  return result.runs.size() > 1 ? fmt::format(" This is seed {}.", result.first().seed) : "";
}

}  // namespace

std::string confusion_section(const StudyResult& result) {
  if (result.label_names.size() > kMostLabels)
    return html_section("confusion", "Confusion matrices",
                        html_paragraph(fmt::format(
                            "{} labels are too many to show here; results.json holds the matrices.",
                            result.label_names.size())));
  std::string tables =
      fmt::format("<div class=\"{}\">\n",
                  result.label_names.size() > kMostLabelsSideBySide ? "whole" : "halves");
  for (const ResultRow& variant : result.first().variants)
    tables +=
        html_table(confusion_table(variant, result.first().variants.front(), result.label_names));
  return html_section(
      "confusion", "Confusion matrices",
      html_paragraph("Test rows by true and predicted label. A small figure is the change against "
                     "Original; the darker a cell, the larger its share of the row." +
                     seed_remark(result)) +
          tables + "</div>\n");
}

std::string flips_section(const StudyResult& result) {
  const char* title = result.data.is_text ? "Sentences that flipped" : "Rows that flipped";
  const std::size_t count = result.flipped_rows.size();
  if (count == 0)
    return html_section(
        "flips", title,
        html_paragraph("None: every precision gives every test row the label that Original gives." +
                       seed_remark(result)));
  std::string text = fmt::format(
      "{} of {} test rows get another label from at least one precision. ✓ is right, ✗ is wrong; "
      "flipped labels are bold and coloured.",
      with_thousands(count), with_thousands(result.first().variants.front().predicted.size()));
  if (count > kMostFlippedRows)
    text += fmt::format(" The first {} are shown; results.json names them all.", kMostFlippedRows);
  return html_section("flips", title,
                      html_paragraph(text + seed_remark(result)) + html_table(flips_table(result)));
}

}  // namespace nibble
