// nibble convert: from any kind of model file to any other.
#include "nibble/formats/convert.h"

#include <memory>
#include <optional>

#include <fmt/format.h>

#include "options.h"
#include "output.h"
#include "verbs.h"

namespace nibble::cli {
namespace {

struct ConvertOptions {
  std::filesystem::path model;
  std::filesystem::path output;
  ConvertSettings settings;
};

int run(const ConvertOptions& options) {
  const Converted converted = convert_file(options.model, options.output, options.settings);
  print(fmt::format("{}: {} bytes as {}\n", options.output.string(),
                    std::filesystem::file_size(options.output), name_of(converted.model.scheme())));
  for (const std::string& remark : converted.remarks) print(fmt::format("  {}\n", remark));
  return kDone;
}

}  // namespace

Verb add_convert(CLI::App& program) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* verb = program.add_subcommand(
      "convert",
      "Writes a model as another kind of file: for PyTorch, ONNX Runtime, a C program, or nibble. "
      "Says what changes on the way.");
  add_model_argument(*verb, options->model);
  add_load_options(*verb, options->settings.load);
  add_scheme_option(*verb, [options](Scheme scheme) { options->settings.scheme = scheme; });
  add_output_option(*verb, options->output, "FILE",
                    "The file to write; its ending says its kind: .safetensors, .pt, .pth, .onnx, "
                    "or .h, a C header with weights and functions that predict")
      ->required();
  verb->add_flag("--text", options->settings.text,
                 "An .onnx file that takes text and gives a label, for models of words");
  add_number(*verb, "--max-header", options->settings.largest_header,
             "Refuse a C header of more bytes: compilers need long for large ones");
  verb->footer(
      "Examples:\n"
      "  nibble convert checkpoint.pt -o model.onnx\n"
      "  nibble convert checkpoint.pt --scheme int8 -o model-int8.onnx\n"
      "  nibble convert checkpoint.pt --text -o text-in-label-out.onnx\n"
      "  nibble convert small.pt --scheme int8 -o small.h");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
