// nibble blame: which layer costs the accuracy.
#include "nibble/studio/blame.h"

#include <memory>
#include <string>
#include <vector>

#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/formats/model_file.h"
#include "nibble/formats/recipe_file.h"
#include "nibble/report/gnuplot.h"
#include "nibble/studio/blame_report.h"
#include "nibble/studio/held_out.h"

namespace nibble::cli {
namespace {

struct BlameOptions {
  std::filesystem::path model;
  std::string data;
  std::vector<std::string> schemes;
  std::filesystem::path other;
  std::filesystem::path json;
  std::filesystem::path plot;
};

QuantizedMlp network_of(const Model& model) {
  if (const auto* quantized = std::get_if<QuantizedMlp>(&model.network)) return *quantized;
  return quantize(std::get<Mlp>(model.network), Scheme::kF32, input_kind(model.featurizer));
}

const Mlp& float_network(const Model& model) {
  if (const auto* mlp = std::get_if<Mlp>(&model.network)) return *mlp;
  throw_error(
      "blame compares with the float model, but MODEL is quantized, as {}; give it with "
      "--other, and the float model as MODEL",
      name_of(model.scheme()));
}

std::vector<Blame> compare(const BlameOptions& options, const Model& model,
                           const LabelledRows& rows) {
  const Mlp& original = float_network(model);
  std::vector<Blame> blames;
  if (!options.other.empty()) {
    const Model other = load_model(options.other);
    return {blame(original, network_of(other), options.other.filename().string(), rows)};
  }
  std::vector<std::string> schemes = options.schemes;
  if (schemes.empty()) schemes = {"int8", "int4", "int3", "int2"};
  blames.reserve(schemes.size());
  for (const std::string& scheme : schemes)
    blames.push_back(blame(original,
                           quantize(original, recipe_from(scheme), input_kind(model.featurizer)),
                           scheme, rows));
  return blames;
}

int run(const BlameOptions& options) {
  if (!options.plot.empty()) require_picture_name(options.plot);
  const Model model = with_wide_weights(load_model(options.model));
  float_network(model);
  const HeldOut rows = held_out_rows(model, options.data);
  const std::vector<Blame> blames = compare(options, model, rows.validation.labelled());
  for (const Blame& blame : blames) print(blame_table(blame, model.featurizer) + "\n");
  if (!options.json.empty())
    write_file_atomically(options.json, blame_json(blames, model.featurizer));
  if (!options.plot.empty()) write_blame_picture(blames, options.plot);
  return kDone;
}

}  // namespace

Verb add_blame(CLI::App& program) {
  auto options = std::make_shared<BlameOptions>();
  CLI::App* verb =
      program.add_subcommand("blame", "Says which layer costs the accuracy, and which words.");
  add_model_argument(*verb, options->model);
  verb->add_option("DATA", options->data,
                   "What it was trained on; its validation rows judge, test rows are never read")
      ->required()
      ->type_name("");
  CLI::Option* scheme =
      verb->add_option("--scheme", options->schemes,
                       "A name or a recipe, as quantize takes it; may be given several times "
                       "(default: int8, int4, int3 and int2, one after the other)")
          ->type_name("RECIPE")
          ->take_all();
  verb->add_option("--other", options->other,
                   "Compare with this model file instead: what quantize or another program made "
                   "of MODEL")
      ->type_name("FILE")
      ->excludes(scheme);
  verb->add_option("--json", options->json, "Write everything as JSON, flipped rows included")
      ->type_name("FILE");
  verb->add_option("--plot", options->plot, "Draw each layer's share, as .png or .svg")
      ->type_name("FILE");
  verb->footer(
      "Examples:\n"
      "  nibble blame checkpoint.pt sst2 --scheme int2 --scheme 0=int2,1-4=int8\n"
      "  nibble blame checkpoint.pt sst2 --other small.safetensors --json blame.json");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
