// nibble quantize: a float model stored in fewer bits.
#include <memory>

#include <fmt/format.h>

#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/formats/model_file.h"
#include "nibble/quant/scheme.h"

namespace nibble::cli {
namespace {

struct QuantizeOptions {
  std::filesystem::path model;
  LoadOptions load;
  std::filesystem::path output;
  Scheme scheme = Scheme::kInt8;
};

int run(const QuantizeOptions& options) {
  const Model model = load_model(options.model, options.load);
  save_model(quantized_model(model, options.scheme), options.output);
  const auto before = std::filesystem::file_size(options.model);
  const auto after = std::filesystem::file_size(options.output);
  print(fmt::format("{}: {} bytes as {}, {:.1f} % of {}\n", options.output.string(), after,
                    name_of(options.scheme),
                    100.0 * static_cast<double>(after) / static_cast<double>(before),
                    options.model.string()));
  return kDone;
}

}  // namespace

Verb add_quantize(CLI::App& program) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App* verb = program.add_subcommand("quantize", "Stores a trained model in fewer bits.");
  add_model_argument(*verb, options->model);
  add_load_options(*verb, options->load);
  add_scheme_option(*verb, [options](Scheme scheme) { options->scheme = scheme; })->required();
  add_output_option(*verb, options->output, "FILE",
                    "The smaller model: .safetensors, .onnx, or .pt for PyTorch (not int4)")
      ->required();
  verb->footer(
      "Example:\n"
      "  nibble quantize checkpoint.pt --scheme int4 -o model-int4.safetensors");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
