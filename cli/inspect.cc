// nibble inspect: what a model file holds, layer by layer and byte by byte.
#include <memory>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "options.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/thousands.h"
#include "nibble/formats/model_file.h"
#include "nibble/measure/load_time.h"
#include "nibble/measure/memory.h"
#include "nibble/model/summary.h"

namespace nibble::cli {
namespace {

constexpr std::size_t kLabelsShown = 20;

double megabytes(std::size_t bytes) { return static_cast<double>(bytes) / 1e6; }

std::string input_text(const Featurizer& featurizer) {
  if (hashes_words(featurizer))
    return fmt::format("text, as counts of words hashed into {} buckets",
                       with_thousands(column_count(featurizer)));
  if (std::holds_alternative<BagOfWords>(featurizer))
    return fmt::format("text, as counts of {} words", with_thousands(column_count(featurizer)));
  return fmt::format("rows of {} numbers, each times {:.6g}",
                     with_thousands(column_count(featurizer)), std::get<Numeric>(featurizer).scale);
}

std::string labels_text(const LabelNames& labels) {
  const std::size_t shown = std::min(labels.size(), kLabelsShown);
  const std::string_view more = shown < labels.size() ? ", ..." : "";
  return fmt::format("{}: {}{}", labels.size(),
                     fmt::join(labels.begin(), labels.begin() + shown, ", "), more);
}

std::string storage_text(const StorageBreakdown& storage) {
  std::string text = "\nStorage                bytes   share\n";
  const auto add = [&](std::string_view name, std::size_t bytes) {
    text += fmt::format("{:<12}{:>16}  {:5.1f} %\n", name, with_thousands(bytes),
                        100.0 * static_cast<double>(bytes) / static_cast<double>(storage.file));
  };
  add("Weights", storage.weights);
  add("Scales", storage.scales);
  add("Biases", storage.biases);
  add("Vocabulary", storage.vocabulary);
  add("The rest", storage.rest());
  add("File", storage.file);
  return text;
}

std::string provenance_text(const Provenance& made) {
  std::string text;
  if (made.epoch > 0)
    text += fmt::format("\nBest epoch {}: validation accuracy {:.2f} %, loss {:.4f}\n", made.epoch,
                        made.validation_accuracy, made.validation_loss);
  if (!made.settings.empty()) text += "\nMade with\n";
  for (const auto& setting : made.settings)
    text += fmt::format("  {:<24} {}\n", setting.first, setting.second);
  return text;
}

// The bytes of the file, and how the model in it was made; the model itself is gone afterwards.
std::pair<std::size_t, Provenance> describe(const std::filesystem::path& path,
                                            const LoadOptions& load, Model model) {
  print(fmt::format("{}\nStored as  {}\nInput      {}\nLabels     {}\n\n", path.string(),
                    name_of(model.scheme()), input_text(model.featurizer),
                    labels_text(model.labels)));
  print(render(summarize(model)));
  const StorageBreakdown storage = storage_breakdown(model, path, load);
  print(storage_text(storage));
  return {storage.file, std::move(model.provenance)};
}

int run(const std::filesystem::path& path, const LoadOptions& load) {
  Model model = load_model(path, load);
  const std::size_t peak = peak_resident_bytes();
  const auto [file_bytes, made] = describe(path, load, std::move(model));
  print(fmt::format(
      "\nLoads in {:.2f} ms, ready to answer, from the page cache\n"
      "Needs {:.1f} MB of memory at most to load (the file has {:.1f}), the program itself "
      "counted\n",
      median_load_ms(path, load), megabytes(peak), megabytes(file_bytes)));
  print(provenance_text(made));
  return kDone;
}

}  // namespace

Verb add_inspect(CLI::App& program) {
  auto model = std::make_shared<std::filesystem::path>();
  auto load = std::make_shared<LoadOptions>();
  CLI::App* verb = program.add_subcommand("inspect",
                                          "Shows what a model file holds: layers, parameters, "
                                          "multiply-adds, bytes, and how it was made.");
  add_model_argument(*verb, *model);
  add_load_options(*verb, *load);
  verb->footer(
      "Example:\n"
      "  nibble inspect checkpoint.pt");
  return {verb, [model, load] { return run(*model, *load); }};
}

}  // namespace nibble::cli
