#include "progress.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "interrupt.h"
#include "output.h"

namespace nibble::cli {
namespace {

constexpr std::size_t kBarColumns = 20;
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr std::string_view kClearLine = "\r\x1b[K";

bool can_redraw() {
  const char* terminal =
      std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): nothing here sets it
  return isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::string time_left(double seconds) {
  const auto whole = static_cast<long>(std::ceil(seconds));
  return whole < 60 ? fmt::format("{} s left", whole)
                    : fmt::format("{} min {} s left", whole / 60, whole % 60);
}

}  // namespace

std::string progress_bar(const TrainProgress& progress, std::size_t epochs,
                         std::optional<double> accuracy) {
  const auto all = static_cast<double>(progress.rows * epochs);
  const auto done = static_cast<double>(progress.rows * (progress.epoch - 1) + progress.rows_done);
  const double share = all > 0 ? done / all : 1.0;
  const auto filled = static_cast<std::size_t>(share * kBarColumns);
  std::string line =
      fmt::format("epoch {}/{} [{:#>{}}{:->{}}] {:2.0f} %  loss {:.4f}", progress.epoch, epochs, "",
                  filled, "", kBarColumns - filled, 100.0 * share, progress.loss);
  if (accuracy) line += fmt::format("  accuracy {:.2f} %", *accuracy);
  if (done > 0 && progress.seconds > 0) {
    const double rate = done / progress.seconds;
    line += fmt::format("  {:.0f} rows/s  {}", rate, time_left((all - done) / rate));
  }
  return line;
}

Progress::Progress(std::size_t epochs, bool quiet)
    : epochs_(epochs), quiet_(quiet), bar_(!quiet && can_redraw()) {}

TrainHooks Progress::hooks() {
  TrainHooks hooks;
  hooks.should_stop = interrupted;
  if (bar_) hooks.on_progress = [this](const TrainProgress& progress) { show_bar(progress); };
  if (!quiet_) {
    hooks.on_epoch = [this](const EpochRecord& epoch, const Mlp& /*network*/, bool is_best) {
      show_epoch(epoch, is_best);
    };
  }
  return hooks;
}

void Progress::phase(const std::string& sentence) {
  if (quiet_) return;
  clear_bar();
  accuracy_.reset();
  remark(sentence);
}

void Progress::show_bar(const TrainProgress& progress) {
  const Clock::time_point now = Clock::now();
  if (bar_shown_ && now - drawn_ < kRedraw) return;
  drawn_ = now;
  bar_shown_ = true;
  fmt::print(stderr, "{}{}", kClearLine, progress_bar(progress, epochs_, accuracy_));
  std::fflush(stderr);
}

void Progress::show_epoch(const EpochRecord& epoch, bool is_best) {
  clear_bar();
  accuracy_ = epoch.validation_accuracy;
  remark(
      fmt::format("epoch {}/{}  loss {:.4f}  validation loss {:.4f}  accuracy {:.2f} %  {:.1f} s{}",
                  epoch.epoch, epochs_, epoch.train_loss, epoch.validation_loss,
                  epoch.validation_accuracy, epoch.seconds, is_best ? "  best so far" : ""));
}

void Progress::clear_bar() {
  if (!bar_shown_) return;
  fmt::print(stderr, "{}", kClearLine);
  bar_shown_ = false;
}

}  // namespace nibble::cli
