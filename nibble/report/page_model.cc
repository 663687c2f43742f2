// The sections about the network and its files: layers, and where the bytes go.
#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>

#include <fmt/format.h>

#include "nibble/core/thousands.h"
#include "nibble/report/html.h"
#include "nibble/report/numbers.h"
#include "nibble/report/page_sections.h"

namespace nibble {
namespace {

HtmlCell number_cell(std::size_t number) { return {.text = with_thousands(number)}; }

std::vector<HtmlCell> layer_row(const LayerLine& layer) {
  std::vector<HtmlCell> cells = {{.text = layer.name},
                                 number_cell(layer.inputs),
                                 number_cell(layer.outputs),
                                 number_cell(layer.parameters),
                                 number_cell(layer.multiply_adds)};
  for (const std::size_t bytes : layer.bytes) cells.push_back(number_cell(bytes));
  return cells;
}

LayerLine total_of(const std::vector<LayerLine>& layers) {
  LayerLine total;
  total.bytes.resize(layers.front().bytes.size());
  for (const LayerLine& layer : layers) {
    total.parameters += layer.parameters;
    total.multiply_adds += layer.multiply_adds;
    std::ranges::transform(total.bytes, layer.bytes, total.bytes.begin(), std::plus<>());
  }
  return total;
}

std::vector<HtmlCell> total_row(const std::vector<LayerLine>& layers) {
  std::vector<HtmlCell> cells = layer_row(total_of(layers));
  cells[0].text = "Total";
  cells[1].text = "";
  cells[2].text = "";
  return cells;
}

struct StoragePart {
  const char* name;
  std::size_t bytes;
};

std::array<StoragePart, 5> parts_of(const StorageBreakdown& storage) {
  return {{{"weights", storage.weights},
           {"scales", storage.scales},
           {"biases", storage.biases},
           {"vocabulary", storage.vocabulary},
           {"header and padding", storage.rest()}}};
}

std::string storage_legend() {
  std::string legend = "<p class=\"legend\" aria-hidden=\"true\">";
  std::size_t index = 1;
  for (const StoragePart& part : parts_of({}))
    legend += fmt::format("<span><i class=\"part{}\"></i>{}</span> ", index++, part.name);
  return legend + "</p>\n";
}

// One bar, its parts in proportion to the largest file.
std::string storage_bar(const ResultRow& variant, std::size_t largest) {
  std::string segments;
  std::size_t index = 0;
  for (const StoragePart& part : parts_of(variant.storage)) {
    ++index;
    if (part.bytes == 0) continue;
    segments +=
        fmt::format("<i class=\"part{}\" style=\"width:{:.3f}%\" title=\"{}: {} bytes\"></i>",
                    index, 100.0 * static_cast<double>(part.bytes) / static_cast<double>(largest),
                    part.name, with_thousands(part.bytes));
  }
  return fmt::format(
      "<div class=\"stack\"><b>{0}</b><span>{1} MB</span><div role=\"img\" aria-label=\"{0}: {1} "
      "MB\">{2}</div></div>\n",
      escape_html(variant.name), megabytes_text(static_cast<double>(variant.storage.file)),
      segments);
}

std::string storage_bars(const std::vector<ResultRow>& variants) {
  std::size_t largest = 1;
  for (const ResultRow& variant : variants) largest = std::max(largest, variant.storage.file);
  std::string bars = "<figure class=\"stacks\">\n" + storage_legend();
  for (const ResultRow& variant : variants) bars += storage_bar(variant, largest);
  return bars + "</figure>\n";
}

}  // namespace

std::string layers_section(const StudyResult& result) {
  if (result.layers.empty()) return "";
  HtmlTable table;
  table.caption =
      "The linear layers, their names in checkpoint.pt, and their bytes in each precision";
  table.headers = {"Layer", "Inputs", "Outputs", "Parameters", "Multiply-adds"};
  for (const ResultRow& variant : result.first().variants) table.headers.push_back(variant.name);
  for (const LayerLine& layer : result.layers) table.rows.push_back(layer_row(layer));
  table.rows.push_back(total_row(result.layers));
  table.last_row_is_total = true;
  std::string text =
      fmt::format("{} parameters. ReLU and dropout stand behind every layer but the last.",
                  with_thousands(result.parameters));
  if (result.data.is_text)
    text +=
        " Multiply-adds count every input; a sentence uses only the rows of its own words in the "
        "first layer.";
  return html_section("layers", "The network", html_paragraph(text) + html_table(table));
}

std::string storage_section(const StudyResult& result) {
  HtmlTable table;
  table.caption = "Bytes in each file";
  table.headers = {"Model", "Weights", "Scales", "Biases", "Vocabulary", "Header and padding",
                   "File"};
  for (const ResultRow& variant : result.first().variants) {
    std::vector<HtmlCell> cells = {
        {.text = variant.name,
         .style = "",
         .note = std::filesystem::path(variant.file).filename().string()}};
    for (const StoragePart& part : parts_of(variant.storage))
      cells.push_back(number_cell(part.bytes));
    cells.push_back(number_cell(variant.storage.file));
    table.rows.push_back(std::move(cells));
  }
  return html_section("storage", "Where the bytes go",
                      storage_bars(result.first().variants) + html_table(table));
}

}  // namespace nibble
