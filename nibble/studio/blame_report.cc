#include "nibble/studio/blame_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nibble/report/gnuplot.h"
#include "nibble/report/roofline.h"
#include "nibble/studio/picture.h"

namespace nibble {
namespace {

constexpr std::size_t kShownInputs = 8;

constexpr const char* kStyle = R"(
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border rgb '#ffffff'
set xlabel 'Layer put back'
set ylabel 'Change of the logits that goes, %'
)";
// Okabe and Ito, "Color universal design" (2008).
constexpr std::array<std::string_view, 6> kColours = {"#0072B2", "#D55E00", "#009E73",
                                                      "#E69F00", "#56B4E9", "#CC79A7"};

std::string input_name(std::size_t input, const Featurizer& featurizer) {
  const auto* bag = std::get_if<BagOfWords>(&featurizer);
  return bag == nullptr ? fmt::format("input {}", input) : bag->vocabulary.column_name(input);
}

std::string layer_line(std::size_t index, const LayerBlame& layer, bool is_worst) {
  const std::string sqnr =
      std::isinf(layer.sqnr_db) ? "exact" : fmt::format("{:.1f}", layer.sqnr_db);
  return fmt::format("{} {:>5}  {:>8}  {:>7.2f}%  {:>9.2f}%  {:>8.2f}%  {:>6}  {:>6.1f}%  {}\n",
                     is_worst ? '*' : ' ', index, sqnr, layer.output_error, layer.only_quantized,
                     layer.only_restored, layer.flips, layer.share, layer.encoding);
}

std::string moved_text(const Blame& blame, const Featurizer& featurizer) {
  if (blame.inputs.empty()) return "";
  std::string text = "  What moved them most:";
  for (std::size_t i = 0; i < std::min(kShownInputs, blame.inputs.size()); ++i)
    text += fmt::format("{} {} {:+.2f}", i == 0 ? "" : ",",
                        input_name(blame.inputs[i].input, featurizer), blame.inputs[i].moved);
  return text + "\n";
}

nlohmann::json json_of(const LayerBlame& layer) {
  nlohmann::json json = {{"encoding", layer.encoding},
                         {"output_error", layer.output_error},
                         {"only_quantized", layer.only_quantized},
                         {"only_restored", layer.only_restored},
                         {"flips", layer.flips},
                         {"share", layer.share}};
  json["sqnr_db"] = std::isinf(layer.sqnr_db) ? nullptr : nlohmann::json(layer.sqnr_db);
  return json;
}

nlohmann::json json_of(const Blame& blame, const Featurizer& featurizer) {
  nlohmann::json json = {{"name", blame.name},
                         {"original_accuracy", blame.original_accuracy},
                         {"accuracy", blame.accuracy},
                         {"worst", blame.worst},
                         {"layers", nlohmann::json::array()},
                         {"flipped", nlohmann::json::array()},
                         {"inputs", nlohmann::json::array()}};
  for (const LayerBlame& layer : blame.layers) json["layers"].push_back(json_of(layer));
  for (const FlippedRow& row : blame.flipped)
    json["flipped"].push_back(
        {{"row", row.row}, {"truth", row.truth}, {"before", row.before}, {"after", row.after}});
  for (const MovingInput& input : blame.inputs)
    json["inputs"].push_back({{"input", input_name(input.input, featurizer)},
                              {"moved", input.moved},
                              {"rows", input.rows}});
  return json;
}

// gnuplot's enhanced text gives these a meaning.
std::string plain(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != '\'' && c != '\n') result += c;
  return result;
}

}  // namespace

std::string blame_table(const Blame& blame, const Featurizer& featurizer) {
  std::string text =
      fmt::format("{}: {:.2f} % instead of {:.2f} %, {} rows with another answer. ", blame.name,
                  blame.accuracy, blame.original_accuracy, blame.flipped.size());
  const LayerBlame& worst = blame.layers[blame.worst];
  text += worst.share <= 0.0
              ? std::string("No layer is to blame.\n")
              : fmt::format("Layer {} is to blame: {:.0f} % of the change goes with it.\n",
                            blame.worst, worst.share);
  text += "  layer   SQNR dB  outputs   only it    all but   flips   share  encoding\n";
  for (std::size_t l = 0; l < blame.layers.size(); ++l)
    text += layer_line(l, blame.layers[l], l == blame.worst && worst.share > 0.0);
  return text + moved_text(blame, featurizer);
}

std::string blame_json(const std::vector<Blame>& blames, const Featurizer& featurizer) {
  nlohmann::json json = nlohmann::json::array();
  for (const Blame& blame : blames) json.push_back(json_of(blame, featurizer));
  return json.dump(2) + "\n";
}

std::string blame_script(const std::vector<Blame>& blames) {
  std::string script = std::string(kPictureStyle) + kStyle;
  script += "$shares << EOD\n";
  for (std::size_t l = 0; l < blames.front().layers.size(); ++l) {
    script += fmt::format("{}", l);
    for (const Blame& blame : blames) script += fmt::format(" {:.3f}", blame.layers[l].share);
    script += "\n";
  }
  script += "EOD\nplot ";
  for (std::size_t i = 0; i < blames.size(); ++i)
    script +=
        fmt::format("{}$shares using {}:xtic(1) title '{}' noenhanced linecolor rgb '{}'",
                    i > 0 ? ", " : "", i + 2, plain(blames[i].name), kColours[i % kColours.size()]);
  return script + "\n";
}

void write_blame_picture(const std::vector<Blame>& blames, const std::filesystem::path& path) {
  write_picture(path, {kPngTerminal, kSvgTerminal}, blame_script(blames), "the blame");
}

}  // namespace nibble
