// nibble study: the whole path, from the data to the table and the report.
#include "nibble/study/study.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "training_options.h"
#include "verbs.h"

#include "nibble/report/table.h"

namespace nibble::cli {
namespace {

int run(const StudyOptions& options, bool quiet) {
  remember_interrupts();
  Progress progress(options.training.epochs, quiet);
  StudyHooks hooks;
  hooks.on_phase = [&progress](const std::string& sentence) { progress.phase(sentence); };
  hooks.training = progress.hooks();
  const StudyResult result = run_study(options, hooks);
  print(fmt::format("\n{}\nReport: {}\n", table_text(result),
                    (options.output / "report.html").string()));
  const bool stopped =
      std::ranges::any_of(result.runs, [](const SeedRun& run) { return run.interrupted; });
  if (stopped) remark("Stopped before the last epoch: the table is of the best network so far.");
  return stopped ? kInterrupted : kDone;
}

}  // namespace

Verb add_study(CLI::App& program) {
  auto options = std::make_shared<StudyOptions>();
  auto quiet = std::make_shared<bool>(false);
  CLI::App* verb = program.add_subcommand(
      "study", "Does it all: trains, quantizes, measures, and writes the table and a report.");
  add_data_options(*verb, options->data);
  add_output_option(*verb, options->output, "DIR",
                    "The folder for checkpoint.pt, history.csv, curves, models, table, "
                    "results.json and report.html")
      ->required();
  add_network_options(*verb, options->hidden);
  add_training_options(*verb, options->training);
  add_number(*verb, "--seeds", options->seeds,
             "Repeat with this many seeds, counting up from --seed")
      ->group("Training");
  add_threads_option(*verb, options->threads);
  add_quiet_option(*verb, *quiet);
  verb->footer(
      "The table's times are of one thread. Ctrl-C ends training early, still makes the table from "
      "the best epoch so\n"
      "far, and ends with exit code 130.\n\n"
      "Example:\n"
      "  nibble study sst2 -o lab-out\n"
      "  nibble study reviews.tsv --test held-back.tsv -o out --seeds 5");
  return {verb, [options, quiet] { return run(*options, *quiet); }};
}

}  // namespace nibble::cli
