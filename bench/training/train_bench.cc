// Times the reference training and says how good its networks are, seed by seed.
//
//   train_bench [DATA [THREADS [SEEDS [EPOCHS]]]]     sst2 1 1 10
//
// Wall time is the training's own (evaluation each epoch included, data and features not). CPU time
// is that of all threads: on a busy machine, and on one thread, it is the figure to trust.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <sys/resource.h>

#include "nibble/core/error.h"
#include "nibble/core/threads.h"
#include "nibble/kernels/cpu_level.h"
#include "nibble/study/pipeline.h"
#include "nibble/train/train.h"
#include "nibble/train/trainer.h"

namespace nibble {
namespace {

struct Options {
  std::string data = "sst2";
  std::size_t threads = 1;
  std::uint32_t seeds = 1;
  std::size_t epochs = 10;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Outcome {
  double wall = 0.0;
  double cpu = 0.0;
  double validation = 0.0;
  double test = 0.0;
};

Outcome run_seed(const PreparedData& data, const Options& options, std::uint32_t seed,
                 ThreadPool& pool) {
  TrainSettings settings;
  settings.epochs = options.epochs;
  settings.seed = seed;
  const LabelledRows training = data.training.labelled();
  const MlpShape shape{column_count(training.rows), {512, 256, 128, 64}, data.label_names.size()};
  Mlp initial = initialised_mlp(shape, seed);
  Outcome outcome;
  const double cpu = cpu_seconds();
  const TrainResult result =
      train(std::move(initial), training, data.validation.labelled(), settings, pool);
  outcome.cpu = cpu_seconds() - cpu;
  for (const EpochRecord& epoch : result.history) outcome.wall += epoch.seconds;
  outcome.validation = result.history.at(result.best_epoch - 1).validation_accuracy;
  const LabelledRows test = data.test->labelled();
  outcome.test = Trainer(result.best, test, settings, 1, pool).evaluate(test).accuracy;
  return outcome;
}

void print_row(const std::string& name, const Outcome& o) {
  fmt::print("{:>5} {:>8.3f} {:>8.3f} {:>11.2f} {:>7.2f}\n", name, o.wall, o.cpu, o.validation,
             o.test);
  std::fflush(stdout);
}

void summarise(std::span<const Outcome> outcomes) {
  Outcome mean;
  Outcome best = outcomes.front();
  const auto count = static_cast<double>(outcomes.size());
  for (const Outcome& o : outcomes) {
    mean.wall += o.wall / count;
    mean.cpu += o.cpu / count;
    mean.validation += o.validation / count;
    mean.test += o.test / count;
    best.wall = std::min(best.wall, o.wall);
    best.cpu = std::min(best.cpu, o.cpu);
    best.validation = std::min(best.validation, o.validation);
    best.test = std::min(best.test, o.test);
  }
  print_row("mean", mean);
  print_row("least", best);
}

int run(const Options& options) {
  DataOptions source;
  source.data = options.data;
  const PreparedData data = prepare_data(source);
  if (!data.test) throw_error("{} has no test part; give a data set with one", options.data);
  ThreadPool pool(options.threads);
  fmt::print("{}: {} training rows, {} threads, {} epochs, CPU level {}\n", options.data,
             data.training.examples.rows(), options.threads, options.epochs, cpu_level());
  fmt::print(" seed   wall s    cpu s  validation    test\n");
  std::vector<Outcome> outcomes;
  for (std::uint32_t seed = 0; seed < options.seeds; ++seed) {
    outcomes.push_back(run_seed(data, options, seed, pool));
    print_row(std::to_string(seed), outcomes.back());
  }
  summarise(outcomes);
  return 0;
}

}  // namespace
}  // namespace nibble

int main(int argc, char** argv) {
  const std::span<char*> given(argv, static_cast<std::size_t>(argc));
  nibble::Options options;
  try {
    if (given.size() > 1) options.data = given[1];
    if (given.size() > 2) options.threads = std::stoul(given[2]);
    if (given.size() > 3) options.seeds = static_cast<std::uint32_t>(std::stoul(given[3]));
    if (given.size() > 4) options.epochs = std::stoul(given[4]);
    return nibble::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_bench: {}\n", error.what());
    return 2;
  }
}
