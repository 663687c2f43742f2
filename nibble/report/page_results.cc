// The sections with the main figures: the table, the comparison, the seeds.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "nibble/report/chart.h"
#include "nibble/report/html.h"
#include "nibble/report/page_sections.h"
#include "nibble/report/table.h"
#include "nibble/report/variant_summary.h"

namespace nibble {
namespace {

constexpr std::size_t kAccuracyTicks = 4;
constexpr std::size_t kBarTicks = 5;

std::vector<HtmlCell> cells_of(const std::vector<std::string>& texts) {
  std::vector<HtmlCell> cells;
  cells.reserve(texts.size());
  for (const std::string& text : texts) cells.push_back({.text = text});
  return cells;
}

std::string figure(const std::string& title, const std::string& drawing,
                   const std::string& caption) {
  return fmt::format("<figure><h3>{}</h3>{}<figcaption>{}</figcaption></figure>\n",
                     escape_html(title), drawing, escape_html(caption));
}

// "Original 80.01, Dynamic (INT8) 80.12": what the drawing says, for who cannot see it.
std::string described(const std::vector<ChartBar>& bars) {
  std::string text;
  for (const ChartBar& bar : bars)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", bar.name, bar.value_text);
  return text;
}

std::string accuracy_figure(const std::vector<VariantSummary>& variants) {
  BarChart chart{
      .title = "Accuracy in per cent", .description = "", .axis = {}, .dots = true, .bars = {}};
  double low = 100.0;
  double high = 0.0;
  for (const VariantSummary& variant : variants) {
    const Interval& interval = variant.accuracy_interval;
    low = std::min(low, std::min(interval.low, variant.accuracy.mean));
    high = std::max(high, std::max(interval.high, variant.accuracy.mean));
    chart.bars.push_back({variant.name, fmt::format("{:.2f}", variant.accuracy.mean),
                          variant.accuracy.mean, interval.low, interval.high});
  }
  chart.axis = value_axis(low, high, kAccuracyTicks);
  chart.description = described(chart.bars);
  return figure("Accuracy (%)", bar_chart(chart),
                "Line: 95 % interval. The axis does not start at 0.");
}

std::string storage_figure(const std::vector<VariantSummary>& variants) {
  BarChart chart{
      .title = "Storage in MB", .description = "", .axis = {}, .dots = false, .bars = {}};
  double highest = 0.0;
  for (const VariantSummary& variant : variants) {
    const double megabytes = variant.bytes.mean / (1024.0 * 1024.0);
    highest = std::max(highest, megabytes);
    chart.bars.push_back({variant.name, megabytes_text(variant.bytes.mean), megabytes});
  }
  chart.axis = bar_axis(highest, kBarTicks);
  chart.description = described(chart.bars);
  return figure("Storage (MB)", bar_chart(chart),
                "The whole file: weights, scales, biases, vocabulary.");
}

std::string time_figure(const std::vector<VariantSummary>& variants) {
  BarChart chart{
      .title = "Inference time in ms", .description = "", .axis = {}, .dots = false, .bars = {}};
  std::vector<double> medians;
  double highest = 0.0;
  for (const VariantSummary& variant : variants) {
    medians.push_back(variant.latency_ms);
    highest = std::max(highest, variant.p99_ms);
  }
  for (const VariantSummary& variant : variants)
    chart.bars.push_back({variant.name,
                          fmt::format("{:.{}f}", variant.latency_ms, decimals_for(medians)),
                          variant.latency_ms, variant.latency_ms, variant.p99_ms});
  chart.axis = bar_axis(highest, kBarTicks);
  chart.description = described(chart.bars);
  return figure("Inference time (ms)", bar_chart(chart),
                "Median for one row on one thread; line up to the 99th percentile.");
}

// No other is both smaller and at least as accurate.
bool is_on_front(const VariantSummary& one, const std::vector<VariantSummary>& variants) {
  return std::ranges::none_of(variants, [&](const VariantSummary& other) {
    return other.bytes.mean <= one.bytes.mean && other.accuracy.mean >= one.accuracy.mean &&
           (other.bytes.mean < one.bytes.mean || other.accuracy.mean > one.accuracy.mean);
  });
}

ChartPoint front_point(const VariantSummary& variant) {
  const double megabytes = variant.bytes.mean / (1024.0 * 1024.0);
  return {std::log10(megabytes), variant.accuracy.mean,
          fmt::format("{}: {} MB, {:.2f} %", variant.name, megabytes_text(variant.bytes.mean),
                      variant.accuracy.mean)};
}

// Bytes against accuracy, for more precisions than bars can compare.
std::string front_figure(std::vector<VariantSummary> variants) {
  std::ranges::sort(variants, {}, [](const VariantSummary& one) { return one.bytes.mean; });
  ChartSeries all{
      .name = "other", .style = "series second", .marker = Marker::kSquare, .points = {}};
  ChartSeries front{.name = "none smaller is as accurate",
                    .style = "series first",
                    .marker = Marker::kCircle,
                    .points = {}};
  std::string names;
  for (const VariantSummary& variant : variants) {
    if (!is_on_front(variant, variants)) {
      all.points.push_back(front_point(variant));
      continue;
    }
    front.points.push_back(front_point(variant));
    names += fmt::format("{}{}", names.empty() ? "" : ", ", variant.name);
  }
  double low = 100.0;
  double high = 0.0;
  for (const VariantSummary& variant : variants) {
    low = std::min(low, variant.accuracy.mean);
    high = std::max(high, variant.accuracy.mean);
  }
  const double smallest = front_point(variants.front()).x;
  const double largest = front_point(variants.back()).x;
  LineChart chart{.title = "Storage against accuracy",
                  .description = "On the front: " + names,
                  .x_label = "Storage, log10 of MB",
                  .y_label = "Accuracy (%)",
                  .x = value_axis(smallest, largest, kBarTicks),
                  .y = value_axis(low, high, kAccuracyTicks),
                  .series = {front, all},
                  .mark = std::nullopt,
                  .mark_text = ""};
  return figure("Storage against accuracy", line_chart(chart),
                "On the front, smallest first: " + names + ".");
}

std::vector<HtmlCell> seed_row(const SeedRun& run) {
  std::vector<HtmlCell> cells = {{.text = std::to_string(run.seed)},
                                 {.text = std::to_string(run.best_epoch)},
                                 {.text = fmt::format("{:.2f}", run.validation_accuracy)}};
  for (const ResultRow& variant : run.variants)
    cells.push_back({.text = fmt::format("{:.2f}", variant.accuracy)});
  return cells;
}

HtmlCell spread_cell(const Spread& spread) {
  return {.text = fmt::format("{:.2f} ± {:.2f}", spread.mean, spread.deviation)};
}

}  // namespace

std::string results_section(const StudyResult& result) {
  const StudyTable table = study_table(result);
  HtmlTable html;
  html.caption = "Accuracy, storage and inference time of each precision";
  html.headers = table.headers;
  for (std::string& header : html.headers) std::ranges::replace(header, '\n', ' ');
  html.row_header = 1;
  html.text_columns = 2;
  html.style = "results";
  for (const std::vector<std::string>& row : table.rows) html.rows.push_back(cells_of(row));
  std::string body = html_table(html);
  std::string notes;
  for (const std::string& note : table.notes) notes += (notes.empty() ? "" : " ") + note;
  return html_section("results", "Results", body + html_note(notes));
}

std::string comparison_section(const StudyResult& result) {
  const std::vector<VariantSummary> variants = summarise(result);
  constexpr std::size_t kUsual = 4;
  return html_section("comparison", "What each precision costs and gives",
                      "<div class=\"thirds\">\n" + accuracy_figure(variants) +
                          storage_figure(variants) + time_figure(variants) + "</div>\n" +
                          (variants.size() > kUsual ? front_figure(variants) : ""));
}

std::string seeds_section(const StudyResult& result) {
  if (result.runs.size() < 2) return "";
  HtmlTable table;
  table.caption = "Every seed: accuracy in per cent";
  table.headers = {"Seed", "Best epoch", "Validation"};
  for (const ResultRow& variant : result.first().variants)
    table.headers.push_back("Test, " + variant.name);
  for (const SeedRun& run : result.runs) table.rows.push_back(seed_row(run));
  std::vector<HtmlCell> means = {
      {.text = "Mean"}, {.text = ""}, spread_cell(validation_accuracy(result))};
  for (const VariantSummary& variant : summarise(result))
    means.push_back(spread_cell(variant.accuracy));
  table.rows.push_back(means);
  table.last_row_is_total = true;
  return html_section("seeds", "From seed to seed",
                      html_paragraph("A seed decides the first weights, the order of the rows and "
                                     "the dropout; the split stays the same. "
                                     "The figures after ± are sample standard deviations.") +
                          html_table(table));
}

}  // namespace nibble
