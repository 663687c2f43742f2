// Drawings for the report page: SVG without fixed colours, so that page_style.css gives them those
// of day, night and paper. Texts are escaped here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "nibble/report/axis.h"

namespace nibble {

enum class Marker { kCircle, kSquare, kTriangle, kNone };

struct ChartPoint {
  double x = 0.0;
  double y = 0.0;
  std::string tooltip = {};
};

struct ChartSeries {
  std::string name;   // for the legend; empty: not in it
  std::string style;  // a class of page_style.css
  Marker marker = Marker::kNone;
  std::vector<ChartPoint> points;
};

struct LineChart {
  std::string title;        // what it shows, in a few words
  std::string description;  // what it says, for who cannot see it
  std::string x_label;
  std::string y_label;  // with its unit
  Axis x;
  Axis y;
  std::vector<ChartSeries> series;
  std::optional<double> mark;  // an upright line here, with its text
  std::string mark_text;
  bool mark_text_at_top = false;
};
std::string line_chart(const LineChart& chart);

struct ChartBar {
  std::string name;
  std::string value_text;
  double value = 0.0;
  // A thin line from low to high, about or beyond the value.
  double low = 0.0;
  double high = 0.0;
};

struct BarChart {
  std::string title;
  std::string description;
  Axis axis;
  bool dots = false;  // dots on an axis that need not start at 0, instead of bars
  std::vector<ChartBar> bars;
};
std::string bar_chart(const BarChart& chart);

}  // namespace nibble
