#include "nibble/report/curves.h"

#include <algorithm>

#include <fmt/format.h>

#include "nibble/core/file.h"
#include "nibble/report/axis.h"
#include "nibble/report/gnuplot.h"

namespace nibble {
namespace {

// Colours of Okabe and Ito, "Color universal design" (2008): told apart by the colour-blind. Line
// style and point shape carry the same difference into black and white print.
constexpr const char* kStyle = R"(
set encoding utf8
set border 3 linecolor rgb '#555555' linewidth 0.8
set tics nomirror out scale 0.6 textcolor rgb '#333333'
set grid ytics back linetype 1 linecolor rgb '#dddddd' linewidth 0.6
set key at graph 0, graph 1.02 left bottom horizontal Left reverse samplen 3.5 width 2 maxrows 1
set pointintervalbox 0.8
set style line 1 linecolor rgb '#0072B2' linewidth 1.8 dashtype 1 pointtype 7 pointsize 0.6
set style line 2 linecolor rgb '#D55E00' linewidth 1.8 dashtype '-' pointtype 4 pointsize 0.7
set style line 3 linecolor rgb '#007A5A' linewidth 1.8 dashtype 1 pointtype 9 pointsize 0.75
set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.6,0.6
set xlabel 'Epoch'
)";
// The size is in pixels; the SVG scales.
constexpr const char* kPngTerminal =
    "set terminal pngcairo enhanced size 1800,760 font 'DejaVu Sans,19' linewidth 2.2 pointscale "
    "1.9 background "
    "rgb 'white'\n";
constexpr const char* kSvgTerminal =
    "set terminal svg enhanced size 900,380 dynamic font 'DejaVu "
    "Sans,Helvetica,Arial,sans-serif,12' linewidth 1.2 "
    "background rgb 'white'\n";
constexpr std::size_t kMostMarkers = 20;
constexpr std::size_t kEpochTicks = 10;
constexpr std::size_t kValueTicks = 6;

// Which figures a panel shows decides its vertical range.
Axis axis_over(const std::vector<double>& values) {
  const auto [low, high] = std::ranges::minmax(values);
  return value_axis(low, high, kValueTicks);
}

Axis loss_axis(const History& history) {
  std::vector<double> values;
  for (const EpochRecord& record : history) {
    values.push_back(record.train_loss);
    values.push_back(record.validation_loss);
  }
  return axis_over(values);
}

Axis accuracy_axis(const History& history) {
  std::vector<double> values;
  for (const EpochRecord& record : history) values.push_back(record.validation_accuracy);
  return axis_over(values);
}

std::string data_block(const History& history) {
  std::string block = "$history << END\n";
  for (const EpochRecord& record : history)
    block += fmt::format("{} {} {} {}\n", record.epoch, record.train_loss, record.validation_loss,
                         record.validation_accuracy);
  return block + "END\n";
}

std::string range_lines(const char* which, const Axis& axis) {
  return fmt::format("set {0}range [{1}:{2}]\nset {0}tics {3},{4},{5}\nset format {0} '%.{6}f'\n",
                     which, axis.low, axis.high, axis.ticks().front(), axis.step,
                     axis.ticks().back(), axis.decimals);
}

// A thin upright line through the best epoch with its name beside it, on the side where there is
// more room.
std::string best_mark(const std::string& text, double height, std::size_t best_epoch,
                      const Axis& epochs) {
  if (best_epoch == 0) return "";
  const auto best = static_cast<double>(best_epoch);
  const bool right_half = best > (epochs.low + epochs.high) / 2.0;
  return fmt::format(
      "set arrow 1 from first {0}, graph 0 to first {0}, graph 1 nohead back linecolor rgb "
      "'#888888' linewidth 0.9 "
      "dashtype 3\n"
      "set label 1 '{1}' at first {0}, graph {2} {3} offset character {4},0 boxed front textcolor "
      "rgb '#333333'\n",
      best_epoch, text, height, right_half ? "right" : "left", right_half ? -0.8 : 0.8);
}

std::string plot_line(const char* column, int style, const char* title, std::size_t epochs) {
  const std::size_t interval = (epochs + kMostMarkers - 1) / kMostMarkers;
  return fmt::format("$history using 1:{} with linespoints linestyle {} pointinterval -{} {}",
                     column, style, interval, title);
}

// The best epoch's own point, drawn large and hollow around the curve's marker.
std::string best_point(const EpochRecord* best) {
  if (best == nullptr) return "";
  return fmt::format(
      ", '+' using ({}):({}) every ::0::0 with points pointtype 6 pointsize 1.6 linewidth 1.8 "
      "linecolor rgb '#222222' "
      "notitle",
      best->epoch, best->validation_accuracy);
}

const EpochRecord* record_of(const History& history, std::size_t epoch) {
  const auto found = std::ranges::find(history, epoch, &EpochRecord::epoch);
  return found == history.end() ? nullptr : &*found;
}

std::string loss_panel(const History& history, std::size_t best_epoch, const Axis& epochs) {
  return "set ylabel 'Cross-entropy loss (nats)'\n" + range_lines("y", loss_axis(history)) +
         best_mark(fmt::format("best epoch: {}", best_epoch), 0.94, best_epoch, epochs) + "plot " +
         plot_line("2", 1, "title 'training loss'", history.size()) + ", \\\n  " +
         plot_line("3", 2, "title 'validation loss'", history.size()) + "\n";
}

std::string accuracy_panel(const History& history, std::size_t best_epoch, const Axis& epochs) {
  const EpochRecord* best = record_of(history, best_epoch);
  const std::string text = best == nullptr ? ""
                                           : fmt::format("best epoch: {}, {:.2f} %", best_epoch,
                                                         best->validation_accuracy);
  return "set ylabel 'Validation accuracy (%)'\n" + range_lines("y", accuracy_axis(history)) +
         best_mark(text, 0.07, best == nullptr ? 0 : best_epoch, epochs) + "plot " +
         plot_line("4", 3, "notitle", history.size()) + best_point(best) + "\n";
}

}  // namespace

std::string curves_script(const History& history, std::size_t best_epoch) {
  const Axis epochs = epoch_axis(history.size(), kEpochTicks);
  return kStyle + data_block(history) + range_lines("x", epochs) +
         "set multiplot layout 1,2 margins 0.075,0.985,0.145,0.9 spacing 0.1\n" +
         loss_panel(history, best_epoch, epochs) + accuracy_panel(history, best_epoch, epochs) +
         "unset multiplot\n";
}

void write_curves(const History& history, std::size_t best_epoch,
                  const std::filesystem::path& folder) {
  if (history.empty()) return;
  const std::string script = curves_script(history, best_epoch);
  const std::string png = draw_with_gnuplot(kPngTerminal + script, "the training curves");
  const std::string svg = draw_with_gnuplot(kSvgTerminal + script, "the training curves");
  write_file_atomically(folder / "curves.png", png);
  write_file_atomically(folder / "curves.svg", svg);
}

}  // namespace nibble
