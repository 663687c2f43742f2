// nibble diff: how two models differ.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "judged_rows.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/threads.h"
#include "nibble/formats/model_file.h"
#include "nibble/measure/difference.h"

namespace nibble::cli {
namespace {

struct DiffOptions {
  std::filesystem::path first;
  std::filesystem::path second;
  std::string data;
  std::size_t threads = 0;
  LoadOptions load;
};

bool is_same(const ModelDifference& found) {
  bool same = found.same_shape() && found.facts.empty();
  for (const LayerDifference& layer : found.layers)
    same = same && layer.weight == 0.0 && layer.bias == 0.0;
  return same;
}

std::string layers_text(const std::vector<LayerDifference>& layers) {
  std::string text =
      fmt::format("\n{:<6}{:>16}{:>18}{:>18}{:>18}  {}\n", "Layer", "Shape", "Weights differ by",
                  "Largest weight", "Biases differ by", "Weights differ most at");
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const LayerDifference& layer = layers[l];
    const std::string place = layer.weight == 0.0
                                  ? std::string("nowhere")
                                  : fmt::format("input {}, output {}", layer.input, layer.output);
    text += fmt::format("{:<6}{:>16}{:>18.4g}{:>18.4g}{:>18.4g}  {}\n", l,
                        fmt::format("{} x {}", layer.inputs, layer.outputs), layer.weight,
                        layer.largest_weight, layer.bias, place);
  }
  return text;
}

std::string answers_text(const Model& first, const Model& second, const DiffOptions& options) {
  const Examples rows = judged_rows(options.data, first.labels);
  ThreadPool pool(options.threads);
  const auto found = answer_difference(first, second, rows, &pool);
  if (!found) return "\nThe models have different labels: their answers cannot be compared.\n";
  const double share =
      100.0 * static_cast<double>(found->same_labels) / static_cast<double>(found->rows);
  return fmt::format(
      "\n{}: {} rows\nSame label   {} rows, {:.2f} %\nLogits differ by {:.3g} at most (row {})\n",
      rows.source, found->rows, found->same_labels, share, found->logit, found->row + 1);
}

int run(const DiffOptions& options) {
  const Model first = load_model(options.first, options.load);
  const Model second = load_model(options.second, options.load);
  const ModelDifference found = difference(first, second);
  std::string text =
      fmt::format("First   {}\nSecond  {}\n", options.first.string(), options.second.string());
  for (const std::string& fact : found.facts) text += fact + "\n";
  if (is_same(found)) text += "The same network: every weight and bias is equal.\n";
  if (!found.same_shape()) text += "Weights cannot be compared: the networks have other sizes.\n";
  if (found.same_shape()) text += layers_text(found.layers);
  if (!options.data.empty()) text += answers_text(first, second, options);
  print(text);
  return kDone;
}

}  // namespace

Verb add_diff(CLI::App& program) {
  auto options = std::make_shared<DiffOptions>();
  CLI::App* verb = program.add_subcommand(
      "diff", "Shows how two models differ: sizes, weights of each layer, and answers on data.");
  verb->add_option("A", options->first, "A model file of any kind")->required()->type_name("");
  verb->add_option("B", options->second, "Another")->required()->type_name("");
  verb->add_option("DATA", options->data,
                   "Rows that both answer: a file, or a folder or a data set by name, whose test "
                   "part is taken")
      ->type_name("");
  add_load_options(*verb, options->load);
  add_threads_option(*verb, options->threads);
  verb->footer(
      "Examples:\n"
      "  nibble diff checkpoint.pt model-int4.onnx\n"
      "  nibble diff checkpoint.pt model-int4.onnx sst2");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
