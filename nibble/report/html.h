// The few pieces of HTML that the report page is built from. Every text that goes in is escaped
// here, so a sentence of the data can never become part of the page's structure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nibble {

// For element content and for attribute values in double quotes. Control characters become U+FFFD.
std::string escape_html(std::string_view text);

struct HtmlCell {
  std::string text;
  std::string style = {};            // a class of page_style.css; empty: none
  std::string note = {};             // set smaller, after the text
  std::optional<double> shade = {};  // 0 to 1: how strongly the cell is coloured
};

struct HtmlTable {
  std::string caption;
  std::vector<std::string> headers;
  std::vector<std::vector<HtmlCell>> rows;
  std::size_t row_header = 0;    // the column that names the row
  std::size_t text_columns = 1;  // leading columns set flush left; numbers follow
  bool last_row_is_total = false;
  std::string style = {};
};
// Inside a container that scrolls by itself where the table is wider than the page.
std::string html_table(const HtmlTable& table);

struct HtmlFact {
  std::string name;
  std::string value;
};
std::string html_facts(const std::vector<HtmlFact>& facts);

std::string html_section(std::string_view id, std::string_view title, std::string_view body);
// A paragraph of plain text.
std::string html_paragraph(std::string_view text);
std::string html_note(std::string_view text);

}  // namespace nibble
