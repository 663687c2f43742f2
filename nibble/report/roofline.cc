#include "nibble/report/roofline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/report/gnuplot.h"

namespace nibble {
namespace {

// Pixels of the PNG and units of the SVG have the same proportions, on which the slant of texts
// depends.
constexpr double kWidth = 900.0;
constexpr double kHeight = 620.0;
constexpr double kLeft = 0.085;
constexpr double kRight = 0.975;
constexpr double kBottom = 0.105;
constexpr double kTop = 0.845;

constexpr const char* kPngTerminal =
    "set terminal pngcairo noenhanced size 1800,1240 font 'DejaVu Sans,20' linewidth 2.2 "
    "pointscale 1.9 background rgb 'white'\n";
constexpr const char* kSvgTerminal =
    "set terminal svg noenhanced size 900,620 dynamic font 'DejaVu "
    "Sans,Helvetica,Arial,sans-serif,12' linewidth 1.2 background rgb 'white'\n";

// Colours of Okabe and Ito, "Color universal design" (2008); point shapes, dashes and texts on the
// lines say the same without colour.
constexpr const char* kStyle = R"(
set encoding utf8
set logscale xy
set border 3 linecolor rgb '#555555' linewidth 0.8
set tics nomirror out scale 0.6 textcolor rgb '#333333'
set grid xtics ytics back linetype 1 linecolor rgb '#e4e4e4' linewidth 0.6
set key at graph 0, graph 1.03 left bottom horizontal Left reverse samplen 2.5 width -5 maxrows 1
set xlabel 'Operations per byte of weights and inputs'
set ylabel 'Operations per second (10⁹)'
)";

struct Point {
  double x = 0.0;  // operations per byte
  double y = 0.0;  // 10^9 operations per second
  std::string name;
};

struct PointGroup {
  const char* title;
  const char* style;
  const char* name_offset;  // of the name beside each point
  std::vector<Point> points;
};

struct Limits {
  double low = 1.0;
  double high = 1.0;
};

struct Frame {
  Limits x;
  Limits y;
};

struct Peak {
  const char* name;
  double gops = 0.0;
  const char* style;
};

struct Slope {
  const char* name;
  double gb_per_second = 0.0;
  const char* offset;  // of its text: those of neighbours lie on different sides
};

Point point_of(const CallWork& work, double ns, std::string name) {
  return {work.operations / work.bytes, work.operations / ns, std::move(name)};
}

// Sparse rows where the model takes them.
InputKind shown_input(const BenchReport& report) {
  const bool sparse = std::ranges::any_of(
      report.runs, [](const BenchRun& run) { return run.input == InputKind::kSparse; });
  return sparse ? InputKind::kSparse : InputKind::kDense;
}

std::vector<Point> whole_calls(const BenchReport& report) {
  std::vector<Point> points;
  const InputKind input = shown_input(report);
  for (const BenchRun& run : report.runs) {
    if (run.threads != 1 || run.input != input) continue;
    points.push_back(point_of(run.work, run.times.median_ns, fmt::format("{}", run.batch)));
  }
  return points;
}

std::vector<Point> layers_at(const BenchReport& report, std::size_t batch) {
  std::vector<Point> points;
  for (const LayerTime& time : report.layers) {
    if (time.batch != batch) continue;
    points.push_back(point_of(time.work, time.ns, fmt::format("{}", time.layer)));
  }
  return points;
}

bool near(const Point& a, const Point& b) {
  constexpr double kSameSpot = 0.12;  // a natural logarithm: about the size of a name
  return std::abs(std::log(a.x / b.x)) < kSameSpot && std::abs(std::log(a.y / b.y)) < kSameSpot;
}

// Points on one spot share one text: "1, 2".
void join_names(std::vector<Point>& points) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (points[j].name.empty() || !near(points[i], points[j])) continue;
      points[j].name += ", " + points[i].name;
      points[i].name.clear();
      break;
    }
  }
}

std::vector<PointGroup> groups_of(const BenchReport& report) {
  std::vector<PointGroup> groups = {
      {"whole network, by batch",
       "with linespoints linecolor rgb '#222222' linewidth 0.9 dashtype 3 pointtype 7 pointsize 1",
       "left offset 0.6,-0.75", whole_calls(report)},
      {"layers 0, 1, ... at batch 1",
       "with points linecolor rgb '#0072B2' linewidth 1.6 pointtype 4 pointsize 1",
       "right offset -0.9,0", layers_at(report, 1)},
      {"layers at batch 256",
       "with points linecolor rgb '#D55E00' linewidth 1.6 pointtype 8 pointsize 1.1",
       "center offset 0,0.95", layers_at(report, 256)}};
  std::erase_if(groups, [](const PointGroup& group) { return group.points.empty(); });
  for (PointGroup& group : groups) join_names(group.points);
  return groups;
}

std::vector<Peak> peaks_of(const Ceilings& ceilings) {
  std::vector<Peak> peaks = {
      {"byte dot product", ceilings.byte_dot_gops, "linecolor rgb '#D55E00' dashtype '-.'"},
      {"bf16 dot product", ceilings.bf16_gflops, "linecolor rgb '#007A5A' dashtype '-'"},
      {"f32 multiply-add", ceilings.f32_gflops, "linecolor rgb '#0072B2' dashtype 1"}};
  std::erase_if(peaks, [](const Peak& peak) { return peak.gops <= 0.0; });
  return peaks;
}

std::array<Slope, 4> slopes_of(const Ceilings& ceilings) {
  return {{{"L1", ceilings.l1_gb_per_second, "-0.3,1.0"},
           {"L2", ceilings.l2_gb_per_second, "-0.3,1.0"},
           {"L3", ceilings.l3_gb_per_second, "1.7,-0.6"},
           {"memory", ceilings.dram_gb_per_second, "1.7,-0.6"}}};
}

double highest(const std::vector<Peak>& peaks) {
  return std::ranges::max_element(peaks, {}, &Peak::gops)->gops;
}

// Room for all points, for the bend of every roof at its left and for texts.
Frame frame_of(const BenchReport& report, const std::vector<PointGroup>& groups) {
  const Ceilings& ceilings = report.ceilings.one_thread;
  const double top = highest(peaks_of(ceilings));
  Frame frame{{0.5, 1.5 * top / ceilings.dram_gb_per_second}, {top, 1.9 * top}};
  for (const PointGroup& group : groups) {
    for (const Point& point : group.points) {
      frame.x.low = std::min(frame.x.low, 0.6 * point.x);
      frame.x.high = std::max(frame.x.high, 20.0 * point.x);
      frame.y.low = std::min(frame.y.low, 0.5 * point.y);
    }
  }
  return frame;
}

// Degrees at which y = c x rises in the picture.
double slant(const Frame& frame) {
  const double across = kWidth * (kRight - kLeft) / std::log(frame.x.high / frame.x.low);
  const double up = kHeight * (kTop - kBottom) / std::log(frame.y.high / frame.y.low);
  return std::atan2(up, across) * 180.0 / std::numbers::pi;
}

std::string line(double x1, double y1, double x2, double y2, const char* style) {
  return fmt::format(
      "set arrow from first {:.6g}, first {:.6g} to first {:.6g}, first {:.6g} nohead back "
      "linewidth 1.1 {}\n",
      x1, y1, x2, y2, style);
}

std::string peak_lines(const std::vector<Peak>& peaks, const Ceilings& ceilings,
                       const Frame& frame) {
  std::string lines;
  for (const Peak& peak : peaks) {
    const double bend = std::max(frame.x.low, peak.gops / ceilings.l1_gb_per_second);
    lines += line(bend, peak.gops, frame.x.high, peak.gops, peak.style);
    lines += fmt::format(
        "set label '{}, {:.0f} · 10⁹/s' at first {:.6g}, first {:.6g} right offset -0.5,0.55 "
        "front textcolor rgb '#333333'\n",
        peak.name, peak.gops, frame.x.high, peak.gops);
  }
  return lines;
}

// A roof begins where it enters the frame, at its left or at its bottom.
std::string slope_lines(const std::array<Slope, 4>& slopes, double top, const Frame& frame) {
  std::string lines;
  for (const Slope& slope : slopes) {
    const double rate = slope.gb_per_second;
    const double begin = std::max(frame.x.low, frame.y.low / rate);
    lines += line(begin, begin * rate, top / rate, top, "linecolor rgb '#666666' dashtype 1");
    lines += fmt::format(
        "set label '{}, {:.0f} GB/s' at first {:.6g}, first {:.6g} left rotate by {:.1f} offset "
        "{} front textcolor rgb '#333333'\n",
        slope.name, rate, 1.12 * begin, 1.12 * begin * rate, slant(frame), slope.offset);
  }
  return lines;
}

std::string data_block(std::size_t index, const PointGroup& group) {
  std::string block = fmt::format("$group{} << END\n", index);
  for (const Point& point : group.points)
    block += fmt::format("{:.6g} {:.6g} \"{}\"\n", point.x, point.y, point.name);
  return block + "END\n";
}

std::string plot_lines(std::size_t index, const PointGroup& group) {
  return fmt::format(
      "$group{0} using 1:2 {1} title '{2}', \\\n  $group{0} using 1:2:3 with labels {3} "
      "textcolor rgb '#222222' notitle",
      index, group.style, group.title, group.name_offset);
}

// 1, 2 and 5 times the powers of ten between the limits.
std::string tick_line(const char* axis, const Limits& limits) {
  std::string ticks;
  for (int power = -3; power <= 7; ++power) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double tick = digit * std::pow(10.0, power);
      if (tick < limits.low || tick > limits.high) continue;
      ticks += fmt::format("{}\"{:.6g}\" {:.6g}", ticks.empty() ? "" : ", ", tick, tick);
    }
  }
  return fmt::format("set {}tics ({})\n", axis, ticks);
}

std::string range_lines(const Frame& frame) {
  return fmt::format(
             "set xrange [{:.6g}:{:.6g}]\nset yrange [{:.6g}:{:.6g}]\nset lmargin at screen {}\n"
             "set rmargin at screen {}\nset bmargin at screen {}\nset tmargin at screen {}\n",
             frame.x.low, frame.x.high, frame.y.low, frame.y.high, kLeft, kRight, kBottom, kTop) +
         tick_line("x", frame.x) + tick_line("y", frame.y);
}

// Within single quotes, gnuplot doubles one.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    result += c == '\'' ? "''" : std::string(1, c);
  }
  return result + "'";
}

std::string title_line(const BenchReport& report) {
  return "set label " +
         quoted(fmt::format("{}, {}, one thread, level {}, {}", report.file.filename().string(),
                            name_of(report.scheme), report.machine.cpu_level,
                            report.machine.cpu_model)) +
         fmt::format(" at screen {}, screen 0.96 left textcolor rgb '#222222'\n", kLeft);
}

}  // namespace

std::string roofline_script(const BenchReport& report) {
  const std::vector<PointGroup> groups = groups_of(report);
  if (groups.empty())
    throw_error("cannot draw a roofline: the bench has no run on one thread; give it one");
  const Ceilings& ceilings = report.ceilings.one_thread;
  const std::vector<Peak> peaks = peaks_of(ceilings);
  const Frame frame = frame_of(report, groups);
  std::string script = kStyle + range_lines(frame) + title_line(report) +
                       slope_lines(slopes_of(ceilings), highest(peaks), frame) +
                       peak_lines(peaks, ceilings, frame);
  for (std::size_t i = 0; i < groups.size(); ++i) script += data_block(i, groups[i]);
  script += "plot ";
  for (std::size_t i = 0; i < groups.size(); ++i)
    script += (i > 0 ? ", \\\n  " : "") + plot_lines(i, groups[i]);
  return script + "\n";
}

void write_roofline(const BenchReport& report, const std::filesystem::path& path) {
  write_picture(path, {kPngTerminal, kSvgTerminal}, roofline_script(report), "a roofline");
}

}  // namespace nibble
