// nibble predict: a label for each row of a file or a stream.
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "lines.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/error.h"
#include "nibble/core/threads.h"
#include "nibble/data/npy.h"
#include "nibble/data/number_row.h"
#include "nibble/formats/model_file.h"
#include "nibble/infer/predictor.h"

namespace nibble::cli {
namespace {

struct PredictOptions {
  std::filesystem::path model;
  LoadOptions load;
  std::filesystem::path input;
  bool logits = false;
  std::size_t batch = 1024;
  std::size_t threads = 0;
};

// Turns blocks of input into lines of output.
class Answers {
 public:
  Answers(const Predictor& predictor, const PredictOptions& options)
      : predictor_(predictor), with_logits_(options.logits), pool_(options.threads) {}

  void give(const Texts& texts) { print_labels(predictor_.logits(texts, &pool_)); }
  void give(const DenseRows& numbers) {
    const Rows rows = featurize(predictor_.featurizer(), numbers);
    print_labels(predictor_.logits(view_of(rows), &pool_));
  }

 private:
  void print_labels(const Matrix<float>& logits) const {
    std::string text;
    for (std::size_t row = 0; row < logits.rows; ++row) append(logits.row(row), text);
    print(text);
  }

  void append(std::span<const float> logits, std::string& text) const {
    const Label label = argmax(logits);
    const auto end = std::back_inserter(text);
    fmt::format_to(end, "{}\t{:.6f}", predictor_.labels()[label], probability_of(logits, label));
    if (with_logits_)
      for (const float logit : logits) fmt::format_to(end, "\t{:.9g}", logit);
    text += '\n';
  }

  const Predictor& predictor_;
  bool with_logits_;
  ThreadPool pool_;
};

DenseRows numbers_in(const std::vector<std::string>& lines, const LineReader& reader,
                     std::size_t columns) {
  DenseRows rows;
  rows.columns = columns;
  for (const std::string& line : lines) {
    const Place place{reader.name(), reader.first_line() + rows.rows++};
    const std::size_t count = append_numbers(line, place, rows.values);
    if (count != columns)
      throw_error("{}: {} numbers in this row; this model expects {}", to_string(place), count,
                  columns);
  }
  return rows;
}

void answer_lines(const Predictor& predictor, const PredictOptions& options,
                  LineReader::Wait wait) {
  Answers answers(predictor, options);
  LineReader reader(options.input);
  const bool text = std::holds_alternative<BagOfWords>(predictor.featurizer());
  for (auto lines = reader.next(options.batch, wait); !lines.empty();
       lines = reader.next(options.batch, wait)) {
    if (text)
      answers.give(lines);
    else
      answers.give(numbers_in(lines, reader, column_count(predictor.featurizer())));
  }
}

void answer_npy(const Predictor& predictor, const PredictOptions& options) {
  Answers answers(predictor, options);
  const NpyFile file(options.input);
  for (std::size_t first = 0; first < file.rows(); first += options.batch)
    answers.give(file.read_rows(first, std::min(options.batch, file.rows() - first)));
}

int run(const PredictOptions& options) {
  if (options.batch == 0) throw_error("--batch is 0; expected at least one row");
  Model model = load_model(options.model, options.load);
  // int8-torch's answer depends on which rows share a batch, so there a batch must not depend on
  // timing.
  const auto wait = model.scheme() == Scheme::kInt8Torch ? LineReader::Wait::kForAll
                                                         : LineReader::Wait::kForFirst;
  const Predictor predictor(std::move(model));
  if (options.input.extension() == ".npy")
    answer_npy(predictor, options);
  else
    answer_lines(predictor, options, wait);
  return kDone;
}

}  // namespace

Verb add_predict(CLI::App& program) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* verb =
      program.add_subcommand("predict", "Gives each row a label: prints label, TAB, probability.");
  add_model_argument(*verb, options->model);
  add_load_options(*verb, options->load);
  verb->add_option("FILE", options->input,
                   "One text in each line; for a model of numbers, rows of numbers with commas, or "
                   "a .npy file. "
                   "Nothing or - reads standard input")
      ->type_name("");
  verb->add_flag("--logits", options->logits,
                 "After the probability, the logit of every label, TABs between them");
  add_number(*verb, "--batch", options->batch,
             "Rows answered together at most. Only with int8-torch do answers depend on it");
  add_threads_option(*verb, options->threads);
  verb->footer(
      "Examples:\n"
      "  nibble predict checkpoint.pt sentences.txt\n"
      "  echo 'a warm and funny film' | nibble predict model-int4.safetensors");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
