#include "nibble/studio/shrink_report.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nibble/core/thousands.h"
#include "nibble/infer/predictor.h"
#include "nibble/measure/accuracy.h"
#include "nibble/report/gnuplot.h"
#include "nibble/studio/picture.h"

namespace nibble {
namespace {

constexpr const char* kStyle = R"(
set logscale x 2
set format x '%.0b %B'
set xlabel 'Bytes of the file'
set ylabel 'Validation accuracy, %'
)";

std::vector<const ShrinkCandidate*> front_of(const ShrinkResult& result) {
  std::vector<const ShrinkCandidate*> front;
  for (const ShrinkCandidate& one : result.tried)
    if (one.on_front) front.push_back(&one);
  std::ranges::sort(front, {}, &ShrinkCandidate::bytes);
  return front;
}

template <typename Candidates>
std::string points(const Candidates& candidates) {
  std::string text;
  for (const ShrinkCandidate* one : candidates)
    text += fmt::format("{} {:.4f}\n", one->bytes, one->accuracy);
  return text + "e\n";
}

double test_accuracy(const Model& model, const Examples& test) {
  const DataPart part = make_part(with_labels_of(test, model.labels), model.featurizer);
  const auto answers = predict_labels(Predictor(model), view_of(part.rows), nullptr);
  return 100.0 * static_cast<double>(count_equal(answers, part.examples.labels)) /
         static_cast<double>(answers.size());
}

nlohmann::json json_of(const ShrinkCandidate& one) {
  nlohmann::json json = {
      {"recipe", one.recipe},     {"bytes", one.bytes}, {"parameters", one.parameters},
      {"accuracy", one.accuracy}, {"loss", one.loss},   {"on_front", one.on_front}};
  json["microseconds"] = one.microseconds > 0.0 ? nlohmann::json(one.microseconds) : nullptr;
  return json;
}

}  // namespace

std::string front_table(const ShrinkResult& result) {
  const ShrinkCandidate* best = result.best ? &result.tried[*result.best] : nullptr;
  std::string text = fmt::format("{} tried; none is smaller and as accurate as one of these:\n",
                                 result.tried.size());
  text += fmt::format("  {:>11}  {:>10}  {:>8}  {:>6}  {}\n", "bytes", "parameters", "accuracy",
                      "us/row", "recipe");
  for (const ShrinkCandidate* one : front_of(result)) {
    const std::string time =
        one->microseconds > 0.0 ? fmt::format("{:.2f}", one->microseconds) : "-";
    text += fmt::format("{} {:>11}  {:>10}  {:>7.2f}%  {:>6}  {}\n", one == best ? '*' : ' ',
                        with_thousands(one->bytes), with_thousands(one->parameters), one->accuracy,
                        time, one->recipe);
  }
  return text;
}

std::string hashing_table(const Model& original, const ShrinkResult& words,
                          const ShrinkResult& hashed, const std::optional<Examples>& test) {
  const auto test_cell = [&](const Model& model) {
    return test ? fmt::format("{:.2f}%", test_accuracy(model, *test)) : "-";
  };
  std::string text =
      fmt::format("  {:<14}  {:>11}  {:>10}  {:>7}\n", "words", "bytes", "validation", "test");
  text += fmt::format("  {:<14}  {:>11}  {:>9.2f}%  {:>7}\n", "as it came", "",
                      words.original_accuracy, test_cell(original));
  const auto add = [&](std::string_view name, const ShrinkResult& result) {
    if (!result.best) {
      text += fmt::format("  {:<14}  nothing within the limits\n", name);
      return;
    }
    const ShrinkCandidate& best = result.tried[*result.best];
    text += fmt::format("  {:<14}  {:>11}  {:>9.2f}%  {:>7}\n", name, with_thousands(best.bytes),
                        best.accuracy, test_cell(*result.model));
  };
  add("kept", words);
  add("hashed", hashed);
  return text;
}

std::string shrink_json(const ShrinkResult& result) {
  nlohmann::json json = {{"original_accuracy", result.original_accuracy}};
  json["best"] = result.best ? nlohmann::json(*result.best) : nullptr;
  json["tried"] = nlohmann::json::array();
  for (const ShrinkCandidate& one : result.tried) json["tried"].push_back(json_of(one));
  return json.dump(2) + "\n";
}

std::string front_script(const ShrinkResult& result) {
  std::vector<const ShrinkCandidate*> all;
  for (const ShrinkCandidate& one : result.tried) all.push_back(&one);
  std::string script = std::string(kPictureStyle) + kStyle;
  script +=
      "plot '-' with points pointtype 6 pointsize 0.7 linecolor rgb '#999999' title 'tried', "
      "'-' with linespoints pointtype 7 pointsize 0.8 linecolor rgb '#0072B2' title 'best of its "
      "size'";
  script +=
      fmt::format(", {} with lines dashtype '-' linecolor rgb '#007A5A' title 'before: {:.2f} %'",
                  result.original_accuracy, result.original_accuracy);
  if (result.best)
    script += ", '-' with points pointtype 4 pointsize 1.6 linecolor rgb '#D55E00' title 'chosen'";
  script += "\n" + points(all) + points(front_of(result));
  if (result.best) script += points(std::vector{&result.tried[*result.best]});
  return script;
}

void write_front(const ShrinkResult& result, const std::filesystem::path& path) {
  write_picture(path, {kPngTerminal, kSvgTerminal}, front_script(result), "the front");
}

}  // namespace nibble
