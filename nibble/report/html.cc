#include "nibble/report/html.h"

#include <fmt/format.h>

namespace nibble {
namespace {

std::string escaped(char character) {
  switch (character) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(character);
  const bool control = (code < 0x20 && character != '\t' && character != '\n') || code == 0x7F;
  return control ? "\uFFFD" : std::string(1, character);
}

std::string class_attribute(const std::string& style) {
  return style.empty() ? "" : fmt::format(" class=\"{}\"", style);
}

std::string cell_content(const HtmlCell& cell) {
  std::string content = escape_html(cell.text);
  if (!cell.note.empty()) content += fmt::format(" <small>{}</small>", escape_html(cell.note));
  return content;
}

std::string html_cell(const HtmlCell& cell, bool names_row, bool is_text) {
  const std::string style =
      is_text ? (cell.style.empty() ? "text" : "text " + cell.style) : cell.style;
  std::string attributes = class_attribute(style);
  if (cell.shade) attributes += fmt::format(" style=\"--shade:{:.3f}\"", *cell.shade);
  if (is_text) attributes += " dir=\"auto\"";  // a sentence may run from right to left
  if (names_row) return fmt::format("<th scope=\"row\"{}>{}</th>", attributes, cell_content(cell));
  return fmt::format("<td{}>{}</td>", attributes, cell_content(cell));
}

std::string table_head(const HtmlTable& table) {
  std::string head = "<thead><tr>";
  for (std::size_t column = 0; column < table.headers.size(); ++column)
    head += fmt::format("<th scope=\"col\"{}>{}</th>",
                        column < table.text_columns ? " class=\"text\"" : "",
                        escape_html(table.headers[column]));
  return head + "</tr></thead>\n";
}

std::string table_body(const HtmlTable& table) {
  std::string body = "<tbody>\n";
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const bool total = table.last_row_is_total && row + 1 == table.rows.size();
    body += total ? "<tr class=\"total\">" : "<tr>";
    for (std::size_t column = 0; column < table.rows[row].size(); ++column)
      body += html_cell(table.rows[row][column], column == table.row_header,
                        column < table.text_columns);
    body += "</tr>\n";
  }
  return body + "</tbody>";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  for (const char character : text) html += escaped(character);
  return html;
}

std::string html_table(const HtmlTable& table) {
  const std::string caption = escape_html(table.caption);
  return fmt::format(
      "<div class=\"scroll\" role=\"region\" aria-label=\"{0}\" "
      "tabindex=\"0\"><table{1}>\n<caption><span>{0}</span></caption>\n"
      "{2}{3}</table></div>\n",
      caption, class_attribute(table.style), table_head(table), table_body(table));
}

std::string html_facts(const std::vector<HtmlFact>& facts) {
  std::string list = "<dl>\n";
  for (const HtmlFact& fact : facts)
    list += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(fact.name),
                        escape_html(fact.value));
  return list + "</dl>\n";
}

std::string html_section(std::string_view id, std::string_view title, std::string_view body) {
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 "
      "id=\"{0}-title\">{1}</h2>\n{2}</section>\n",
      id, escape_html(title), body);
}

std::string html_paragraph(std::string_view text) {
  return fmt::format("<p>{}</p>\n", escape_html(text));
}

std::string html_note(std::string_view text) {
  return fmt::format("<p class=\"note\">{}</p>\n", escape_html(text));
}

}  // namespace nibble
