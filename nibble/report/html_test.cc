#include "nibble/report/html.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(Html, EscapesEverythingThatCouldBeStructure) {
  EXPECT_EQ(escape_html(""), "");
  EXPECT_EQ(escape_html("a < b & c > d \"e\" 'f'"),
            "a &lt; b &amp; c &gt; d &quot;e&quot; &#39;f&#39;");
  EXPECT_EQ(escape_html("&lt;"), "&amp;lt;");
  EXPECT_EQ(escape_html("é 素\t\n"), "é 素\t\n");
}

TEST(Html, ControlCharactersAreReplaced) {
  EXPECT_EQ(escape_html(std::string("a\0b\x1B[31m\x7F", 9)), "a\uFFFDb\uFFFD[31m\uFFFD");
}

TEST(Html, TablesSayWhatTheirHeadersBelongTo) {
  HtmlTable table;
  table.caption = "A & B";
  table.headers = {"Name", "Value"};
  table.rows = {{{.text = "<x>"}, {.text = "1", .style = "lost", .note = "+1"}},
                {{.text = "Total"}, {.text = "1"}}};
  table.last_row_is_total = true;
  const std::string html = html_table(table);
  EXPECT_NE(html.find("<caption><span>A &amp; B</span></caption>"), std::string::npos);
  EXPECT_NE(html.find("<th scope=\"col\" class=\"text\">Name</th>"), std::string::npos);
  EXPECT_NE(html.find("<th scope=\"row\" class=\"text\" dir=\"auto\">&lt;x&gt;</th>"),
            std::string::npos);
  EXPECT_NE(html.find("<td class=\"lost\">1 <small>+1</small></td>"), std::string::npos);
  EXPECT_NE(html.find("<tr class=\"total\">"), std::string::npos);
}

}  // namespace
}  // namespace nibble
