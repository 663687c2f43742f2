// nibble bench: how fast a model answers on this machine, beside what the machine could do at most.
#include "nibble/measure/bench.h"

#include <memory>
#include <optional>
#include <string>

#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/file.h"
#include "nibble/data/catalogue.h"
#include "nibble/measure/bench_render.h"
#ifndef NIBBLE_PREDICT_ONLY
#include "nibble/report/gnuplot.h"
#include "nibble/report/roofline.h"
#endif

namespace nibble::cli {
namespace {

struct BenchOptions {
  std::filesystem::path model;
  std::string data;
  BenchSettings settings;
  std::filesystem::path json;
  std::filesystem::path plot;
  bool quiet = false;
};

std::optional<Examples> rows_to_time(const std::string& data) {
  if (data.empty()) return std::nullopt;
  TrainAndTest loaded = load_data(data);
  return loaded.test ? std::move(loaded.test) : std::move(loaded.training);
}

// The report room draws; a program built without it has no --plot.
#ifdef NIBBLE_PREDICT_ONLY
void require_picture_name(const std::filesystem::path& /*path*/) {}
void write_roofline(const BenchReport& /*report*/, const std::filesystem::path& /*path*/) {}
void add_plot_option(CLI::App& /*verb*/, std::filesystem::path& /*plot*/) {}
#else
void add_plot_option(CLI::App& verb, std::filesystem::path& plot) {
  verb.add_option("--plot", plot,
                  "Draw operations per byte against operations per second under the ceilings (a "
                  "roofline), as .png or .svg")
      ->type_name("FILE");
}
#endif

int run(BenchOptions options) {
  if (!options.plot.empty()) require_picture_name(options.plot);
  if (!options.quiet) options.settings.on_step = [](std::string_view step) { remark(step); };
  const BenchReport report =
      bench_model(options.model, rows_to_time(options.data), options.settings);
  if (!options.plot.empty()) write_roofline(report, options.plot);
  if (options.json == "-") {
    print(bench_json(report));
    return kDone;
  }
  if (!options.json.empty()) write_file_atomically(options.json, bench_json(report));
  print(bench_text(report));
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
  add_sizes_option(*verb, "--layer-batches", options->settings.layer_batches,
                   "Rows in one call of each layer alone; none leaves that out");
  add_number(*verb, "--seconds", options->settings.seconds, "How long to measure for each figure");
  add_threads_option(*verb, options->settings.threads,
                     "The most threads to time; 0 means all processors");
  verb->add_option("--json", options->json,
                   "Write all figures as JSON into this file, too; - prints the JSON alone")
      ->type_name("FILE");
  add_plot_option(*verb, options->plot);
  add_quiet_option(*verb, options->quiet);
  verb->footer(
      "Examples:\n"
      "  nibble bench model-int8.safetensors --data sst2 --batches 1,256\n"
      "  nibble bench model-int8.safetensors --json bench.json --plot roofline.png");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
