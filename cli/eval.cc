// nibble eval: how often a model is right on labelled rows, and what it confuses.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "judged_rows.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/threads.h"
#include "nibble/formats/model_file.h"
#include "nibble/infer/predictor.h"
#include "nibble/measure/accuracy.h"
#include "nibble/measure/statistics.h"

namespace nibble::cli {
namespace {

struct EvalOptions {
  std::filesystem::path model;
  LoadOptions load;
  std::string data;
  std::size_t threads = 0;
};

using Confusion = std::vector<std::vector<std::size_t>>;

std::string confusion_text(const Confusion& counts, const LabelNames& labels) {
  constexpr std::size_t kNarrowest = 6;
  std::size_t width = kNarrowest;
  for (const std::string& label : labels) width = std::max(width, label.size());
  std::string text = "\nConfusion: a row for each true label, a column for each answer\n" +
                     std::string(width, ' ');
  for (const std::string& label : labels) text += fmt::format("  {:>{}}", label, width);
  for (std::size_t truth = 0; truth < counts.size(); ++truth) {
    text += fmt::format("\n{:>{}}", labels[truth], width);
    for (const std::size_t count : counts[truth]) text += fmt::format("  {:>{}}", count, width);
  }
  return text + "\n";
}

int run(const EvalOptions& options) {
  const Predictor predictor(load_model(options.model, options.load));
  const Examples examples = judged_rows(options.data, predictor.labels());
  ThreadPool pool(options.threads);
  const Rows rows = featurize(predictor.featurizer(), examples.inputs);
  const Matrix<float> logits = predictor.logits(view_of(rows), &pool);
  const std::vector<Label> predicted = answers(logits);
  const std::size_t right = count_equal(predicted, examples.labels);
  const Interval interval = wilson_interval(right, examples.rows());
  print(fmt::format(
      "{}: {} rows\nAccuracy  {:.2f} %  (95 % interval {:.2f} to {:.2f})\nLoss      {:.4f}\n",
      examples.source, examples.rows(),
      100.0 * static_cast<double>(right) / static_cast<double>(examples.rows()), interval.low,
      interval.high, mean_loss(logits, examples.labels)));
  print(confusion_text(confusion_counts(predicted, examples.labels, predictor.labels().size()),
                       predictor.labels()));
  return kDone;
}

}  // namespace

Verb add_eval(CLI::App& program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* verb = program.add_subcommand(
      "eval", "Says how often a model is right on labelled rows, and what it confuses.");
  add_model_argument(*verb, options->model);
  add_load_options(*verb, options->load);
  verb->add_option(
          "DATA", options->data,
          "Labelled rows: a file, or a folder or a data set by name, whose test part is taken")
      ->required()
      ->type_name("");
  add_threads_option(*verb, options->threads);
  verb->footer(
      "Example:\n"
      "  nibble eval checkpoint.pt sst2");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
