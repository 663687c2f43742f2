// nibble quantize: a float model stored in fewer bits.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/formats/model_file.h"
#include "nibble/formats/recipe_file.h"

namespace nibble::cli {
namespace {

struct QuantizeOptions {
  std::filesystem::path model;
  LoadOptions load;
  std::filesystem::path output;
  std::string scheme;
};

int run(const QuantizeOptions& options) {
  const Recipe recipe = recipe_from(options.scheme);
  const Model model = load_model(options.model, options.load);
  save_model(quantized_model(model, recipe), options.output);
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
          "f32: 32 bits, nothing is lost\n"
          "or one of these for each layer, also from a .toml or .json file: docs/quantization.md")
      ->type_name("f32|f16|bf16|int8|int8-torch|int4|fp8|nf4|int3|int2|ternary|1bit|RECIPE|FILE")
      ->required();
  add_output_option(*verb, options->output, "FILE",
                    "The smaller model: .safetensors, .onnx, or .pt for PyTorch (not int4)")
      ->required();
  verb->footer(
      "Example:\n"
      "  nibble quantize checkpoint.pt --scheme int4 -o model-int4.safetensors\n"
      "  nibble quantize checkpoint.pt --scheme 0=int4:row,1-3=int8,4=f16 -o mixed.safetensors\n"
      "  nibble quantize checkpoint.pt --scheme 0=rank1:int6:tensor+f16,*=int4 -o "
      "rank1.safetensors");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
