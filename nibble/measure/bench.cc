#include "nibble/measure/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/core/thousands.h"
#include "nibble/core/threads.h"
#include "nibble/formats/model_file.h"
#include "nibble/infer/predictor.h"
#include "nibble/measure/floor.h"
#include "nibble/measure/latency.h"
#include "nibble/measure/load_time.h"
#include "nibble/measure/memory.h"
#include "nibble/measure/statistics.h"
#include "nibble/measure/synthetic_rows.h"
#include "nibble/model/summary.h"

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSyntheticRows = 2048;
// Few enough dense rows of 10,000 columns to stay in a cache, as rows just made would.
constexpr std::size_t kDenseRows = 64;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// 1, 2, 4, ... and the most.
std::vector<std::size_t> thread_counts(std::size_t most) {
  std::vector<std::size_t> counts;
  for (std::size_t threads = 1; threads < most; threads *= 2) counts.push_back(threads);
  counts.push_back(most);
  return counts;
}

DenseRows dense_copy(const SparseRowsView& rows) {
  DenseRows dense(rows.rows, rows.columns);
  for (std::size_t row = 0; row < rows.rows; ++row) {
    const auto columns = rows.row_indices(row);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      dense.at(row, columns[i]) = rows.row_values(row)[i];
    }
  }
  return dense;
}

std::string describe_rows(const std::optional<Examples>& examples) {
  if (!examples) return fmt::format("{} synthetic rows", with_thousands(kSyntheticRows));
  return fmt::format("{} rows of {}", with_thousands(examples->rows()), examples->source);
}

// One run of bench_model: what its steps share.
class Bench {
 public:
  Bench(const std::filesystem::path& file, const BenchSettings& settings)
      : Bench(file, settings, load_model(file)) {}

  BenchReport run(const std::optional<Examples>& examples) {
    report_.machine = describe_machine();
    report_.load_ms = median_load_ms(report_.file);
    say("measuring the machine's ceilings");
    report_.ceilings = measure_ceilings(ceiling_seconds(), settings_.threads);
    const Rows rows = examples ? featurize(predictor_->featurizer(), examples->inputs)
                               : synthetic_rows(kSyntheticRows, predictor_->featurizer());
    report_.rows = describe_rows(examples);
    if (report_.scheme == Scheme::kF32 || report_.scheme == Scheme::kF16)
      find_active_shares(predictor_->network(), view_of(rows), layers_);
    for (const std::size_t threads : thread_counts(report_.ceilings.threads)) {
      time_threads(rows, threads);
    }
    time_layers_alone(rows);
    time_cold(rows);
    time_texts(rows, examples);
    find_noise();
    return std::move(report_);
  }

 private:
  // The model goes into the predictor and stays nowhere else: its memory is that of predict.
  Bench(const std::filesystem::path& file, const BenchSettings& settings, Model model)
      : settings_(settings), layers_(layer_loads(model)) {
    report_.file = file;
    report_.scheme = model.scheme();
    report_.shape = model.shape();
    predictor_.emplace(std::move(model));
    answer_once();
    report_.peak_resident_bytes = peak_resident_bytes();
  }

  // Enough for a ceiling to show itself; 14 figures of it are a quarter of a second.
  double ceiling_seconds() const { return std::min(0.02, settings_.seconds); }

  void say(std::string_view step) const {
    if (settings_.on_step) settings_.on_step(step);
  }

  void answer_once() const {
    PreparedMlp::Scratch scratch;
    const Rows row = synthetic_rows(1, predictor_->featurizer());
    std::vector<float> logits(predictor_->network().outputs());
    predictor_->network().logits(view_of(row), logits, scratch);
  }

  TimingLimits limits(std::size_t batch) const {
    TimingLimits limits;
    limits.seconds = settings_.seconds;
    limits.warm_up_seconds = settings_.seconds / 10.0;
    limits.warm_up_calls = 3;
    limits.minimum_calls = batch == 1 ? 1000 : 20;
    return limits;
  }

  void time_threads(const Rows& rows, std::size_t threads) {
    ThreadPool pool(threads);
    const Clock::time_point start = Clock::now();
    const double cpu_start = thread_cpu_seconds();
    for (const std::size_t batch : settings_.batches) {
      say(fmt::format("batch {}, {} thread{}", batch, threads, threads == 1 ? "" : "s"));
      time_batch(repeat_rows(rows, batch), batch, pool);
    }
    // With several threads this one also waits, so its share says nothing.
    if (threads == 1) {
      report_.noise.cpu_share = (thread_cpu_seconds() - cpu_start) / seconds_since(start);
    }
  }

  void time_batch(const Rows& rows, std::size_t batch, ThreadPool& pool) {
    const RowsView all = view_of(rows);
    if (const auto* sparse = std::get_if<SparseRowsView>(&all)) {
      time_input(all, InputKind::kSparse, batch, pool);
      const std::size_t count = std::min(sparse->rows, std::max(batch, kDenseRows));
      const Rows dense = dense_copy(sparse->slice(0, count));
      time_input(view_of(dense), InputKind::kDense, batch, pool);
    } else {
      time_input(all, InputKind::kDense, batch, pool);
    }
  }

  void time_input(const RowsView& rows, InputKind input, std::size_t batch, ThreadPool& pool) {
    const bool alone = pool.threads() == 1;
    const TimedCall call = network_calls(*predictor_, rows, batch, alone ? nullptr : &pool);
    BenchRun run;
    run.batch = batch;
    run.threads = pool.threads();
    run.input = input;
    run.times = time_calls(call, limits(batch));
    run.rows_per_second = static_cast<double>(batch) * calls_per_second(call, limits(batch));
    run.work = mean_call_work(layers_, rows, batch);
    run.floor_ns =
        floor_ns(run.work, report_.scheme, report_.ceilings, std::min(batch, run.threads));
    report_.runs.push_back(run);
  }

  void time_layers_alone(const Rows& rows) {
    const LayerTiming what{predictor_->network(), layers_, report_.scheme, report_.ceilings};
    for (const std::size_t batch : settings_.layer_batches) {
      say(fmt::format("each layer alone, batch {}", batch));
      const Rows enough = repeat_rows(rows, batch);
      for (LayerTime& time : time_layers(what, view_of(enough), batch, limits(batch)))
        report_.layers.push_back(std::move(time));
    }
  }

  void time_cold(const Rows& rows) {
    say("cold caches");
    TimingLimits few = limits(1);
    few.minimum_calls = 50;
    report_.cold = time_cold_calls(network_calls(*predictor_, view_of(rows), 1, nullptr), few);
  }

  void time_texts(const Rows& rows, const std::optional<Examples>& examples) {
    const auto* words = std::get_if<BagOfWords>(&predictor_->featurizer());
    if (words == nullptr) return;
    say("text to label");
    const Texts texts =
        examples ? examples->texts() : texts_of(std::get<SparseRows>(rows), words->vocabulary);
    report_.text = time_calls(text_calls(*predictor_, texts), limits(1));
  }

  void find_noise() {
    std::vector<double> drifts;
    for (const BenchRun& run : report_.runs) {
      if (run.threads == 1) drifts.push_back(run.times.drift);
    }
    report_.noise.drift = median(std::move(drifts));
    const double before = report_.ceilings.one_thread.f32_gflops;
    report_.noise.peak_change = measure_f32_peak(ceiling_seconds()) / before - 1.0;
  }

  const BenchSettings& settings_;
  std::vector<LayerLoad> layers_;
  std::optional<Predictor> predictor_;
  BenchReport report_;
};

}  // namespace

bool Noise::noisy() const {
  return cpu_share < 0.97 || drift > 0.1 || std::abs(peak_change) > 0.05;
}

BenchReport bench_model(const std::filesystem::path& file, const std::optional<Examples>& examples,
                        const BenchSettings& settings) {
  if (settings.batches.empty()) throw_error("cannot time {}: no batch size given", file.string());
  return Bench(file, settings).run(examples);
}

}  // namespace nibble
