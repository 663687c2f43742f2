// nibble quantize: a float model stored in fewer bits.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/error.h"
#include "nibble/formats/model_file.h"
#include "nibble/formats/recipe_file.h"
#include "nibble/studio/calibrated.h"
#include "nibble/studio/pruning.h"

namespace nibble::cli {
namespace {

struct QuantizeOptions {
  std::filesystem::path model;
  LoadOptions load;
  std::filesystem::path output;
  std::string scheme;
  std::string data;
  Calibration calibration;
  std::size_t epochs = 0;
  std::size_t words = 0;  // 0: all
  bool without_dead_neurons = false;

  bool calibrates() const {
    return calibration.rounding != Rounding::kNearest || calibration.corrects_bias ||
           calibration.static_inputs;
  }
};

constexpr std::string_view kStatic = "static";

// "dynamic", "static" or "static:RULE".
std::optional<RangeRule> static_inputs_from(std::string_view text) {
  if (text == "dynamic") return std::nullopt;
  if (text == kStatic) return RangeRule::kMse;
  if (text.starts_with("static:")) return range_rule_named(text.substr(kStatic.size() + 1));
  throw_error(
      "there are no activations '{}'; expected dynamic, static, static:minmax, static:percentile "
      "or static:mse",
      text);
}

void require_data(const QuantizeOptions& options) {
  const bool wants = options.calibrates() || options.epochs > 0 || options.without_dead_neurons;
  if (wants && options.data.empty())
    throw_error(
        "--rounding {}, --bias-correction, --activations static, --epochs and "
        "--without-dead-neurons look at rows; say with --data which",
        name_of(options.calibration.rounding));
  if (options.calibrates() && options.epochs > 0)
    throw_error(
        "--epochs trains the network with its weights rounded to the nearest; use it without "
        "--rounding, --bias-correction and --activations");
}

Model calibrated(const QuantizeOptions& options, const Model& model, const Recipe& recipe,
                 const HeldOut& rows) {
  Model result = quantized_model(
      model, recipe,
      quantize_calibrated(network_to_quantize(model, recipe), recipe, input_kind(model.featurizer),
                          view_of(rows.training.rows), options.calibration));
  auto& settings = result.provenance.settings;
  settings["rounding"] = name_of(options.calibration.rounding);
  if (options.calibration.corrects_bias) settings["bias_correction"] = "yes";
  if (const auto rule = options.calibration.static_inputs)
    settings["activations"] = fmt::format("{}:{}", kStatic, name_of(*rule));
  return result;
}

Model trained_on(const QuantizeOptions& options, const Model& model, const Recipe& recipe,
                 const HeldOut& rows) {
  remember_interrupts();
  AwareSettings settings;
  settings.epochs = options.epochs;
  settings.should_stop = interrupted;
  Model result = quantized_model(model, recipe,
                                 quantize_aware(network_to_quantize(model, recipe), recipe,
                                                input_kind(model.featurizer), rows, settings));
  result.provenance.settings["quantized_epochs"] = fmt::format("{}", options.epochs);
  return result;
}

// The model pruned and rounded as was asked for; what it was goes among its settings.
Model quantized(const QuantizeOptions& options, Model model, const Recipe& recipe) {
  static_cast<void>(network_to_quantize(model, recipe));  // refuses what is quantized already
  if (options.words > 0) model = with_weightiest_words(std::move(model), options.words);
  if (options.data.empty()) return quantized_model(model, recipe);
  const HeldOut rows = held_out_rows(model, options.data);
  if (options.without_dead_neurons)
    model = without_dead_neurons(std::move(model), view_of(rows.training.rows));
  if (options.calibrates()) return calibrated(options, model, recipe, rows);
  if (options.epochs > 0) return trained_on(options, model, recipe, rows);
  return quantized_model(model, recipe);
}

int run(const QuantizeOptions& options) {
  require_data(options);
  require_writable_model(options.output);
  const Recipe recipe = recipe_from(options.scheme);
  Model model = with_wide_weights(load_model(options.model, options.load));
  save_model(quantized(options, std::move(model), recipe), options.output);
  const auto before = std::filesystem::file_size(options.model);
  const auto after = std::filesystem::file_size(options.output);
  print(fmt::format("{}: {} bytes as {}, {:.1f} % of {}\n", options.output.string(), after,
                    recipe.text(), 100.0 * static_cast<double>(after) / static_cast<double>(before),
                    options.model.string()));
  return kDone;
}

}  // namespace

Verb add_quantize(CLI::App& program) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App* verb = program.add_subcommand("quantize", "Stores a trained model in fewer bits.");
  add_model_argument(*verb, options->model);
  add_load_options(*verb, options->load);
  verb->add_option(
          "--scheme", options->scheme,
          "int8: 8 bits, a scale for each output\n"
          "int8-torch: 8 bits, the arithmetic of PyTorch's quantize_dynamic\n"
          "int4: 4 bits, a scale for each 32 weights\n"
          "f16, bf16: 16 bits\n"
          "fp8, nf4, int2 to int7, ternary, 1bit: the same number of bits, with options for what "
          "shares a scale (int3:g64, int2:channel:asym)\n"
          "pq4: vectors of 4 weights, 8 bits each (product quantization)\n"
          "f32: 32 bits, nothing is lost\n"
          "or one of these for each layer, also from a .toml or .json file: docs/quantization.md")
      ->type_name(
          "f32|f16|bf16|int8|int8-torch|int4|fp8|nf4|int3|int2|ternary|1bit|pq4|RECIPE|FILE")
      ->required();
  add_output_option(*verb, options->output, "FILE",
                    "The smaller model: .safetensors, .onnx, or .pt for PyTorch (not int4)")
      ->required();
  verb->add_option("--data", options->data,
                   "What the model was trained on, for the options below; test rows are never read")
      ->type_name("DATA")
      ->group("Rounding");
  verb->add_option_function<std::string>(
          "--rounding",
          [options](const std::string& name) {
            options->calibration.rounding = rounding_named(name);
            if (options->calibration.rounding == Rounding::kSecondOrder)
              options->calibration.corrects_bias = true;
          },
          "How codes are chosen:\n"
          "nearest: each weight's nearest\n"
          "importance: with the scales that keep the weights of frequent inputs nearest (AWQ)\n"
          "second-order: so that the layer's outputs stay near (GPTQ), with bias correction")
      ->type_name(one_of({"nearest", "importance", "second-order"}))
      ->default_str("nearest")
      ->group("Rounding");
  verb->add_flag("--bias-correction", options->calibration.corrects_bias,
                 "Puts into each bias the mean of what the rounded layer's outputs lose, with any "
                 "rounding and scheme")
      ->group("Rounding");
  verb->add_option_function<std::string>(
          "--activations",
          [options](const std::string& text) {
            options->calibration.static_inputs = static_inputs_from(text);
          },
          "How layers in int8 round their inputs: dynamic, with a scale for each row, or static, "
          "with one from the rows of --data, by their largest, 99.9 % of them or the least squared "
          "error (mse)")
      ->type_name("dynamic|static[:minmax|:percentile|:mse]")
      ->default_str("dynamic")
      ->group("Rounding");
  add_number(*verb, "--epochs", options->epochs,
             "Quantization-aware training: so many more epochs with rounded weights")
      ->group("Rounding");
  add_number(*verb, "--keep-words", options->words,
             "Only so many words, those with the largest weights, others count as unknown; 0: all")
      ->group("Pruning");
  verb->add_flag("--without-dead-neurons", options->without_dead_neurons,
                 "Leaves out the hidden neurons that are 0 for every training row of --data")
      ->group("Pruning");
  verb->footer(
      "Example:\n"
      "  nibble quantize checkpoint.pt --scheme int4 -o model-int4.safetensors\n"
      "  nibble quantize checkpoint.pt --scheme 0=int4:row,1-3=int8,4=f16 -o mixed.safetensors\n"
      "  nibble quantize checkpoint.pt --scheme 0=rank1:int6:tensor+f16,*=int4 -o "
      "rank1.safetensors\n"
      "  nibble quantize checkpoint.pt --scheme int2 --rounding second-order --data sst2 -o "
      "int2.safetensors\n"
      "  nibble quantize checkpoint.pt --scheme int8 --activations static --data sst2 -o "
      "static.safetensors\n"
      "  nibble quantize checkpoint.pt --scheme int8 --keep-words 3000 -o fewer-words.safetensors");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
