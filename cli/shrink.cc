// nibble shrink: the smallest file of a model that still answers well enough.
#include "nibble/studio/shrink.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/core/thousands.h"
#include "nibble/data/catalogue.h"
#include "nibble/formats/model_file.h"
#include "nibble/report/gnuplot.h"
#include "nibble/studio/shrink_report.h"

namespace nibble::cli {
namespace {

struct ShrinkOptions {
  std::filesystem::path model;
  std::string data;
  std::filesystem::path output;
  ShrinkLimits limits;
  std::filesystem::path json;
  std::filesystem::path plot;
  bool quiet = false;
};

void require_limits(const ShrinkLimits& limits) {
  if (!(limits.max_drop >= 0.0) || !(limits.minutes > 0.0) || !(limits.max_us >= 0.0))
    throw_error(
        "shrink got --max-drop {}, --minutes {} and --max-us {}; expected points of 0 or more, "
        "minutes above 0, microseconds of 0 or more",
        limits.max_drop, limits.minutes, limits.max_us);
}

ShrinkHooks hooks_for(const ShrinkOptions& options) {
  ShrinkHooks hooks;
  hooks.should_stop = interrupted;
  hooks.on_better = [&options](const Model& model, const ShrinkCandidate& candidate) {
    save_model(model, options.output);
    if (!options.quiet)
      remark(fmt::format("{} bytes, {:.2f} %: {}", with_thousands(candidate.bytes),
                         candidate.accuracy, candidate.recipe));
  };
  if (!options.quiet) hooks.on_phase = [](std::string_view sentence) { remark(sentence); };
  return hooks;
}

// The same search with the words kept, to see what hashing costs.
ShrinkResult with_words(const Model& model, const HeldOut& rows, const ShrinkOptions& options) {
  ShrinkHooks hooks = hooks_for(options);
  hooks.on_better = nullptr;
  if (hooks.on_phase) hooks.on_phase("First with the words kept, to compare");
  ShrinkLimits limits = options.limits;
  limits.hash_vocabulary = 0;
  return shrink(model, rows, limits, hooks);
}

std::optional<Examples> test_rows(const std::string& data) {
  if (std::filesystem::is_regular_file(data)) return std::nullopt;
  return load_data(data).test;
}

int run(const ShrinkOptions& options) {
  require_limits(options.limits);
  require_writable_model(options.output);
  if (is_checkpoint_name(options.output))
    throw_error("cannot write '{}': a small model is a .safetensors file", options.output.string());
  if (!options.plot.empty()) require_picture_name(options.plot);
  const Model model = with_wide_weights(load_model(options.model));
  const HeldOut rows = held_out_rows(model, options.data);
  remember_interrupts();
  const bool hashes = options.limits.hash_vocabulary > 0;
  const auto kept = hashes ? std::optional(with_words(model, rows, options)) : std::nullopt;
  const ShrinkResult result = shrink(model, rows, options.limits, hooks_for(options));
  if (!options.plot.empty()) write_front(result, options.plot);
  if (!options.json.empty()) write_file_atomically(options.json, shrink_json(result));
  print(front_table(result));
  if (kept) print(hashing_table(model, *kept, result, test_rows(options.data)));
  if (!result.best) {
    remark(fmt::format("Nothing that was tried stays within the limits; {} was not written.",
                       options.output.string()));
    return result.interrupted ? kInterrupted : kBadInput;
  }
  const ShrinkCandidate& best = result.tried[*result.best];
  print(fmt::format("{}: {} bytes, validation {:.2f} % ({:.2f} % before)\n",
                    options.output.string(), with_thousands(best.bytes), best.accuracy,
                    result.original_accuracy));
  return result.interrupted ? kInterrupted : kDone;
}

}  // namespace

Verb add_shrink(CLI::App& program) {
  auto options = std::make_shared<ShrinkOptions>();
  CLI::App* verb = program.add_subcommand(
      "shrink", "Finds the smallest file of a model that still answers well enough.");
  add_model_argument(*verb, options->model);
  verb->add_option("DATA", options->data,
                   "What it was trained on; its validation rows judge, test rows are never read")
      ->required()
      ->type_name("");
  add_output_option(*verb, options->output, "FILE",
                    "The smaller model, a .safetensors file; always the best so far")
      ->required();
  add_number(*verb, "--max-drop", options->limits.max_drop,
             "How many points of validation accuracy may be lost");
  add_number(
      *verb, "--max-bytes", options->limits.max_bytes,
      "The most accurate file of at most so many bytes, instead of the smallest; 0: smallest");
  add_number(*verb, "--max-us", options->limits.max_us,
             "Microseconds that one row may take here; 0: any");
  add_number(*verb, "--minutes", options->limits.minutes,
             "How long to search at most; with --hash-vocabulary twice that");
  add_number(*verb, "--hash-vocabulary", options->limits.hash_vocabulary,
             "Keep no list of words: hash them into so many buckets, and say what that costs; 0 "
             "keeps words");
  verb->add_option("--json", options->json, "Write everything that was tried as JSON")
      ->type_name("FILE");
  verb->add_option("--plot", options->plot,
                   "Draw bytes against accuracy, with the front, as .png or .svg")
      ->type_name("FILE");
  add_quiet_option(*verb, options->quiet);
  verb->footer(
      "Ctrl-C ends the search; FILE then holds the best so far.\n\n"
      "Example:\n"
      "  nibble shrink checkpoint.pt sst2 -o small.safetensors --max-drop 0.5 --plot front.svg");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
