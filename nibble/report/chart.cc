#include "nibble/report/chart.h"

#include <algorithm>

#include <fmt/format.h>

#include "nibble/report/html.h"

namespace nibble {
namespace {

constexpr std::size_t kMostMarkers = 20;

// Drawing units: the page shows one as about one CSS pixel.
struct Frame {
  double left = 0.0;
  double right = 0.0;
  double top = 0.0;
  double bottom = 0.0;
};
constexpr double kLineWidth = 420.0;
constexpr double kLineHeight = 300.0;
constexpr Frame kLineFrame = {52.0, 408.0, 38.0, 252.0};

constexpr double kBarWidth = 340.0;
constexpr Frame kBarFrame = {4.0, 336.0, 8.0, 0.0};
constexpr double kBarPitch = 50.0;
constexpr double kBarThickness = 12.0;
constexpr double kBarAxisHeight = 26.0;

double place(const Axis& axis, double value, double from, double to) {
  return from + (value - axis.low) / (axis.high - axis.low) * (to - from);
}
double place_x(const Axis& axis, double value, const Frame& frame) {
  return place(axis, value, frame.left, frame.right);
}
double place_y(const Axis& axis, double value, const Frame& frame) {
  return place(axis, value, frame.bottom, frame.top);
}

std::string line(const char* style, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>",
                     style, x1, y1, x2, y2);
}

std::string text(double x, double y, const char* anchor, const std::string& content,
                 const char* style = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>", x,
                     y, anchor, style, escape_html(content));
}

std::string svg(double width, double height, const std::string& title,
                const std::string& description, const std::string& content) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}. {}\">{}</svg>\n", width,
      height, escape_html(title), escape_html(description), content);
}

std::string marker_at(Marker marker, double x, double y, const std::string& tooltip) {
  const std::string title = fmt::format("<title>{}</title>", escape_html(tooltip));
  switch (marker) {
    case Marker::kCircle:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.6\">{}</circle>", x, y, title);
    case Marker::kSquare:
      return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"7\" height=\"7\">{}</rect>",
                         x - 3.5, y - 3.5, title);
    case Marker::kTriangle:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l4.6 8h-9.2z\">{}</path>", x, y - 5.0, title);
    case Marker::kNone:
      break;
  }
  return "";
}

std::string y_axis(const LineChart& chart) {
  std::string drawn;
  for (const double tick : chart.y.ticks()) {
    const double y = place_y(chart.y, tick, kLineFrame);
    drawn += line("grid", kLineFrame.left, y, kLineFrame.right, y);
    drawn += text(kLineFrame.left - 8.0, y + 4.5, "end", chart.y.label(tick));
  }
  return drawn;
}

std::string x_axis(const LineChart& chart) {
  std::string drawn =
      line("axis", kLineFrame.left, kLineFrame.bottom, kLineFrame.right, kLineFrame.bottom);
  for (const double tick : chart.x.ticks()) {
    const double x = place_x(chart.x, tick, kLineFrame);
    drawn += line("axis", x, kLineFrame.bottom, x, kLineFrame.bottom + 4.0);
    drawn += text(x, kLineFrame.bottom + 18.0, "middle", chart.x.label(tick));
  }
  return drawn + text((kLineFrame.left + kLineFrame.right) / 2.0, kLineHeight - 8.0, "middle",
                      chart.x_label);
}

std::string mark(const LineChart& chart) {
  if (!chart.mark) return "";
  const double x = place_x(chart.x, *chart.mark, kLineFrame);
  const bool right_half = x > (kLineFrame.left + kLineFrame.right) / 2.0;
  const double y = chart.mark_text_at_top ? kLineFrame.top + 14.0 : kLineFrame.bottom - 10.0;
  return line("mark", x, kLineFrame.top, x, kLineFrame.bottom) +
         text(right_half ? x - 7.0 : x + 7.0, y, right_half ? "end" : "start", chart.mark_text,
              "halo");
}

std::string series_line(const ChartSeries& series, const LineChart& chart) {
  std::string points;
  for (const ChartPoint& point : series.points)
    points += fmt::format("{:.1f},{:.1f} ", place_x(chart.x, point.x, kLineFrame),
                          place_y(chart.y, point.y, kLineFrame));
  return fmt::format("<polyline points=\"{}\"/>", points);
}

std::string series_markers(const ChartSeries& series, const LineChart& chart) {
  const std::size_t stride = (series.points.size() + kMostMarkers - 1) / kMostMarkers;
  std::string markers;
  for (std::size_t index = 0; index < series.points.size(); ++index) {
    const ChartPoint& point = series.points[index];
    const bool marked = chart.mark && point.x == *chart.mark;
    if (index % stride != 0 && !marked) continue;
    markers += marker_at(series.marker, place_x(chart.x, point.x, kLineFrame),
                         place_y(chart.y, point.y, kLineFrame), point.tooltip);
  }
  return markers;
}

// Room for one entry, from the length of its name at 13 units.
double legend_width(const ChartSeries& series) {
  return series.name.empty() ? 0.0 : 7.4 * static_cast<double>(series.name.size()) + 46.0;
}

std::string legend_entry(const ChartSeries& series, double x) {
  return fmt::format("<g class=\"{}\"><polyline points=\"{:.1f},11.5 {:.1f},11.5\"/>{}</g>",
                     series.style, x, x + 28.0,
                     marker_at(series.marker, x + 14.0, 11.5, series.name)) +
         text(x + 33.0, 16.0, "start", series.name);
}

std::string legend(const LineChart& chart) {
  double x = kLineFrame.right + 10.0;
  for (const ChartSeries& series : chart.series) x -= legend_width(series);
  std::string drawn = text(4.0, 16.0, "start", chart.y_label);
  for (const ChartSeries& series : chart.series) {
    if (series.name.empty()) continue;
    drawn += legend_entry(series, x);
    x += legend_width(series);
  }
  return drawn;
}

std::string whisker(const BarChart& chart, const ChartBar& bar, double y) {
  if (bar.low >= bar.high) return "";
  const double low = place_x(chart.axis, bar.low, kBarFrame);
  const double high = place_x(chart.axis, bar.high, kBarFrame);
  return line("whisker", low, y, high, y) + line("whisker", low, y - 4.0, low, y + 4.0) +
         line("whisker", high, y - 4.0, high, y + 4.0);
}

std::string bar_row(const BarChart& chart, const ChartBar& bar, std::size_t index) {
  const double top = kBarFrame.top + kBarPitch * static_cast<double>(index);
  const double middle = top + 30.0;
  const double x = place_x(chart.axis, bar.value, kBarFrame);
  const char* style = index == 0 ? "bar reference" : "bar";
  std::string drawn = text(kBarFrame.left, top + 14.0, "start", bar.name, "strong") +
                      text(kBarFrame.right, top + 14.0, "end", bar.value_text);
  if (!chart.dots)
    drawn += fmt::format(
        "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\"/>", style,
        kBarFrame.left, middle - kBarThickness / 2.0, std::max(0.5, x - kBarFrame.left),
        kBarThickness);
  drawn += whisker(chart, bar, middle);
  if (chart.dots)
    drawn +=
        fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/>", style, x, middle);
  return drawn;
}

std::string bar_axis_drawing(const BarChart& chart, double bottom) {
  std::string drawn;
  for (const double tick : chart.axis.ticks()) {
    const double x = place_x(chart.axis, tick, kBarFrame);
    const char* anchor = x < kBarFrame.left + 10.0    ? "start"
                         : x > kBarFrame.right - 10.0 ? "end"
                                                      : "middle";
    drawn += line("grid", x, kBarFrame.top + 20.0, x, bottom);
    drawn += text(x, bottom + 16.0, anchor, chart.axis.label(tick), "tick");
  }
  return drawn;
}

}  // namespace

std::string line_chart(const LineChart& chart) {
  std::string drawn = y_axis(chart) + x_axis(chart);
  for (const ChartSeries& series : chart.series)
    drawn += fmt::format("<g class=\"{}\">{}{}</g>", series.style, series_line(series, chart),
                         series_markers(series, chart));
  return svg(kLineWidth, kLineHeight, chart.title, chart.description,
             drawn + mark(chart) + legend(chart));
}

std::string bar_chart(const BarChart& chart) {
  const double bottom = kBarFrame.top + kBarPitch * static_cast<double>(chart.bars.size());
  std::string drawn = bar_axis_drawing(chart, bottom);
  for (std::size_t index = 0; index < chart.bars.size(); ++index)
    drawn += bar_row(chart, chart.bars[index], index);
  return svg(kBarWidth, bottom + kBarAxisHeight, chart.title, chart.description, drawn);
}

}  // namespace nibble
