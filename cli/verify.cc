// nibble verify: whether a model answers here as it did where it was written.
#include "nibble/measure/verify.h"

#include <memory>

#include <fmt/format.h>

#include "options.h"
#include "output.h"
#include "verbs.h"

namespace nibble::cli {
namespace {

struct VerifyOptions {
  std::filesystem::path model;
  LoadOptions load;
};

std::string origin_text(const Verification& result) {
  if (!result.has_vectors)
    return "The file carries no check vectors: CPU levels are compared with plain loops";
  return fmt::format("Weights    {}\nVectors    {}, stored with the model",
                     result.has_digest ? "SHA-256 as stored" : "no SHA-256 stored", result.vectors);
}

std::string levels_text(const Verification& result) {
  std::string text = "\nCPU level    same bits   largest difference\n";
  for (const LevelCheck& level : result.levels)
    text += fmt::format("{:<12} {:>4} of {:<4} {:>12.3g}\n", level.level, level.same_bits,
                        result.vectors, level.largest_difference);
  return text;
}

int run(const VerifyOptions& options) {
  const Verification result = verify_model(options.model, options.load);
  print(fmt::format("{}: {}\n{}\n{}", options.model.string(), name_of(result.scheme),
                    origin_text(result), levels_text(result)));
  const std::string expected = result.allowed == 0.0
                                   ? "the same bits"
                                   : fmt::format("a difference of at most {:.3g}", result.allowed);
  if (result.passed()) {
    print(fmt::format("\nPassed: expected {} at every level\n", expected));
    return kDone;
  }
  remark(fmt::format(
      "nibble: the model '{}' does not give the logits of its check vectors; expected {}. "
      "The file is damaged, or this program computes in another way",
      options.model.string(), expected));
  return kBadInput;
}

}  // namespace

Verb add_verify(CLI::App& program) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verb = program.add_subcommand(
      "verify", "Checks that a model answers here as where it was written, on every CPU level.");
  add_model_argument(*verb, options->model);
  add_load_options(*verb, options->load);
  verb->footer(
      "The file's check vectors are replayed, and its weights compared with their SHA-256.\n\n"
      "Example:\n"
      "  nibble verify model-int8.safetensors");
  return {verb, [options] { return run(*options); }};
}

}  // namespace nibble::cli
