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
#include "nibble/study/variants.h"

namespace nibble::cli {
namespace {

// "all", or names with commas; a recipe's own commas cannot be told from these, so it has one item.
std::vector<std::string> further_schemes(const std::string& text) {
  if (text == "all") return all_other_schemes();
  std::vector<std::string> schemes;
  for (const std::string_view name : between_commas(text)) {
    static_cast<void>(Recipe::from_text(name));  // an Error now, not after the training
    schemes.emplace_back(name);
  }
  return schemes;
}

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
  verb->add_option_function<std::string>(
          "--schemes",
          [options](const std::string& text) { options->schemes = further_schemes(text); },
          "Further precisions for the table and the report: names as quantize takes them, with "
          "commas, or all")
      ->type_name("NAMES|all");
  add_threads_option(*verb, options->threads);
  add_quiet_option(*verb, *quiet);
  verb->footer(
      "The table's times are of one thread. Ctrl-C ends training early, still makes the table from "
      "the best epoch so\n"
      "far, and ends with exit code 130.\n\n"
      "Example:\n"
      "  nibble study sst2 -o lab-out\n"
      "  nibble study reviews.tsv --test held-back.tsv -o out --seeds 5\n"
      "  nibble study sst2 -o lab-out --schemes all");
  return {verb, [options, quiet] { return run(*options, *quiet); }};
}

}  // namespace nibble::cli
