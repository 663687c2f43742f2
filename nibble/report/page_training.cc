// The training curves of the report page.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "nibble/report/chart.h"
#include "nibble/report/html.h"
#include "nibble/report/page_sections.h"

namespace nibble {
namespace {

constexpr std::size_t kEpochTicks = 10;
constexpr std::size_t kValueTicks = 5;

using Figure = double EpochRecord::*;

ChartSeries series_of(const History& history, Figure figure, const char* name, const char* style,
                      Marker marker) {
  ChartSeries series{.name = name, .style = style, .marker = marker, .points = {}};
  for (const EpochRecord& record : history)
    series.points.push_back({static_cast<double>(record.epoch), record.*figure,
                             fmt::format("Epoch {}: {:.4g}", record.epoch, record.*figure)});
  return series;
}

// The further seeds' curves, faint and without markers.
void add_other_runs(LineChart& chart, const StudyResult& result, Figure figure) {
  for (auto run = std::next(result.runs.begin()); run != result.runs.end(); ++run)
    chart.series.push_back(series_of(run->history, figure, "", "series faint", Marker::kNone));
}

Axis axis_over(const LineChart& chart) {
  std::vector<double> values;
  for (const ChartSeries& series : chart.series)
    for (const ChartPoint& point : series.points) values.push_back(point.y);
  const auto [low, high] = std::ranges::minmax(values);
  return value_axis(low, high, kValueTicks);
}

std::size_t most_epochs(const StudyResult& result) {
  std::size_t epochs = 0;
  for (const SeedRun& run : result.runs) epochs = std::max(epochs, run.history.size());
  return epochs;
}

LineChart empty_chart(const StudyResult& result) {
  LineChart chart;
  chart.x_label = "epoch";
  chart.x = epoch_axis(most_epochs(result), kEpochTicks);
  if (result.first().best_epoch > 0) chart.mark = static_cast<double>(result.first().best_epoch);
  return chart;
}

std::string loss_chart(const StudyResult& result) {
  const SeedRun& run = result.first();
  LineChart chart = empty_chart(result);
  chart.title = "Loss against epochs";
  chart.description =
      fmt::format("Training loss from {:.3f} to {:.3f}, validation loss from {:.3f} to {:.3f}",
                  run.history.front().train_loss, run.history.back().train_loss,
                  run.history.front().validation_loss, run.history.back().validation_loss);
  chart.y_label = "cross-entropy (nats)";
  add_other_runs(chart, result, &EpochRecord::validation_loss);
  chart.series.push_back(series_of(run.history, &EpochRecord::train_loss, "training",
                                   "series first", Marker::kCircle));
  chart.series.push_back(series_of(run.history, &EpochRecord::validation_loss, "validation",
                                   "series second", Marker::kSquare));
  chart.y = axis_over(chart);
  chart.mark_text = fmt::format("best epoch: {}", run.best_epoch);
  chart.mark_text_at_top = true;
  return line_chart(chart);
}

std::string accuracy_chart(const StudyResult& result) {
  const SeedRun& run = result.first();
  LineChart chart = empty_chart(result);
  chart.title = "Validation accuracy against epochs";
  chart.description =
      fmt::format("Best at epoch {} with {:.2f} per cent, {:.2f} after the last epoch",
                  run.best_epoch, run.validation_accuracy, run.history.back().validation_accuracy);
  chart.y_label = "validation accuracy (%)";
  add_other_runs(chart, result, &EpochRecord::validation_accuracy);
  chart.series.push_back(series_of(run.history, &EpochRecord::validation_accuracy, "",
                                   "series third", Marker::kTriangle));
  chart.y = axis_over(chart);
  chart.mark_text =
      fmt::format("best: {:.2f} % at epoch {}", run.validation_accuracy, run.best_epoch);
  return line_chart(chart);
}

std::string summary(const StudyResult& result) {
  const SeedRun& run = result.first();
  std::string text = fmt::format(
      "{} epochs in {:.2f} s. The network with the highest validation accuracy is kept: epoch {}, "
      "{:.2f} %, loss {:.4f}.",
      run.history.size(), run.train_seconds, run.best_epoch, run.validation_accuracy,
      run.validation_loss);
  if (run.interrupted) text += " Training was stopped before its planned end.";
  if (result.runs.size() > 1)
    text += fmt::format(
        " Drawn in full is seed {}; the faint lines are the validation curves of the other seeds.",
        run.seed);
  return text;
}

}  // namespace

std::string training_section(const StudyResult& result) {
  if (result.first().history.empty()) return "";
  return html_section(
      "training", "Training",
      html_paragraph(summary(result)) +
          fmt::format(
              "<div class=\"halves\">\n<figure><h3>Loss</h3>{}<figcaption>Training loss is taken "
              "with dropout on, "
              "validation loss with dropout off.</figcaption></figure>\n<figure><h3>Accuracy</h3>{}"
              "<figcaption>On the validation part, which took no part in "
              "training.</figcaption></figure>\n</div>\n",
              loss_chart(result), accuracy_chart(result)));
}

}  // namespace nibble
