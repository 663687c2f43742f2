// nibble bench: how fast a model answers on this machine, beside what the machine could do at most.
#include "nibble/measure/bench.h"

#include <memory>
#include <optional>
#include <string>

#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/data/catalogue.h"
#include "nibble/measure/bench_render.h"

namespace nibble::cli {
namespace {

struct BenchOptions {
  std::filesystem::path model;
  std::string data;
  BenchSettings settings;
  bool json = false;
  bool quiet = false;
};

std::optional<Examples> rows_to_time(const std::string& data) {
  if (data.empty()) return std::nullopt;
  TrainAndTest loaded = load_data(data);
  return loaded.test ? std::move(loaded.test) : std::move(loaded.training);
}

int run(BenchOptions options) {
  if (!options.quiet) options.settings.on_step = [](std::string_view step) { remark(step); };
  const BenchReport report =
      bench_model(options.model, rows_to_time(options.data), options.settings);
  print(options.json ? bench_json(report) : bench_text(report));
  return kDone;
}

}  // namespace

Verb add_bench(CLI::App& program) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* verb = program.add_subcommand(
      "bench", "Times a model on this machine, beside what the machine could do at most.");
  add_model_argument(*verb, options->model);
  verb->add_option(
          "--data", options->data,
          "Time these rows (as eval takes them); without it, rows made up to look like text")
      ->type_name("DATA");
  add_sizes_option(*verb, "--batches", options->settings.batches,
                   "Rows in one call, one figure for each size");
  add_number(*verb, "--seconds", options->settings.seconds, "How long to measure for each figure");
  add_threads_option(*verb, options->settings.threads,
                     "The most threads to time; 0 means all processors");
  verb->add_flag("--json", options->json, "Print JSON for programs");
  add_quiet_option(*verb, options->quiet);
  verb->footer(
      "Example:\n"
      "  nibble bench model-int8.safetensors --data sst2 --batches 1,256");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
