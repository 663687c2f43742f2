#include "nibble/formats/check_vectors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "nibble/core/error.h"
#include "nibble/formats/strict_json.h"
#include "nibble/network/reference_forward.h"
#include "nibble/quant/reference_forward.h"

namespace nibble {
namespace {

constexpr std::size_t kMostParts = 12;  // words or columns of an input, about those of a sentence
constexpr std::size_t kMostChecks = 64;
constexpr std::string_view kInputs = "check_inputs";
constexpr std::string_view kLogits = "check_logits";

// Places all over 0..size-1: steps of the golden ratio leave no large gap.
std::size_t place(std::size_t index, std::size_t size) {
  constexpr double kGolden = 0.6180339887498949;
  const double turn = static_cast<double>(index + 1) * kGolden;
  return std::min(size - 1,
                  static_cast<std::size_t>((turn - std::floor(turn)) * static_cast<double>(size)));
}

std::string some_words(const Vocabulary& words, bool twice) {
  std::string text;
  if (words.size() == 0) return text;
  for (std::size_t i = 0; i < std::min(kMostParts, words.size()); ++i) {
    const std::size_t column = place(i + (twice ? kMostParts : 0), words.size());
    const std::string word = words.column_name(column);
    text += fmt::format("{}{}", text.empty() ? "" : " ", word);
    if (twice && i % 3 == 0) text += fmt::format(" {}", word);
  }
  return text;
}

// Whole numbers up to 255, as pixels are; or halves of both signs.
std::string some_columns(std::size_t columns, bool whole) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < std::min(kMostParts, columns); ++i)
    places.push_back(place(i + (whole ? 0 : kMostParts), columns));
  std::ranges::sort(places);
  places.erase(std::unique(places.begin(), places.end()), places.end());
  std::string text;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double value =
        whole ? static_cast<double>((i * 67 + 31) % 256) : (static_cast<double>(i) - 3.0) / 2.0;
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", places[i], value);
  }
  return text;
}

std::string make_input(const Featurizer& featurizer, bool first) {
  if (const auto* bag = std::get_if<BagOfWords>(&featurizer))
    return some_words(bag->vocabulary, !first);
  return some_columns(std::get<Numeric>(featurizer).columns, first);
}

template <typename Number>
Number number_in(std::string_view text) {
  Number number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    throw_error("a check vector of the model file has '{}'; expected a number", text);
  return number;
}

// Calls `take` with each piece between separators.
template <typename Take>
void split(std::string_view text, char separator, const Take& take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

DenseRows numbers_in(std::string_view input, std::size_t columns) {
  DenseRows row(1, columns);
  split(input, ' ', [&](std::string_view part) {
    const std::size_t colon = std::min(part.find(':'), part.size());
    const auto column = number_in<std::size_t>(part.substr(0, colon));
    if (column >= columns || colon == part.size())
      throw_error("a check vector of the model file has '{}'; expected one of {} columns", part,
                  columns);
    row.values[column] = number_in<float>(part.substr(colon + 1));
  });
  return row;
}

std::vector<float> logits_from(std::string_view text, std::size_t outputs) {
  std::vector<float> logits;
  split(text, ',', [&](std::string_view part) { logits.push_back(number_in<float>(part)); });
  if (logits.size() != outputs)
    throw_error("a check vector of the model file has {} logits for {} labels", logits.size(),
                outputs);
  return logits;
}

}  // namespace

Rows check_row(const Featurizer& featurizer, const CheckVector& check) {
  if (const auto* numeric = std::get_if<Numeric>(&featurizer))
    return featurize(featurizer, numbers_in(check.input, numeric->columns));
  return featurize(featurizer, Texts{check.input});
}

std::vector<CheckVector> make_checks(const Model& model) {
  std::vector<CheckVector> checks = {{make_input(model.featurizer, true), {}},
                                     {make_input(model.featurizer, false), {}},
                                     {"", {}}};
  for (CheckVector& check : checks) {
    const Rows row = check_row(model.featurizer, check);
    const Matrix<float> logits =
        std::visit([&row](const auto& network) { return reference_logits(network, view_of(row)); },
                   model.network);
    check.logits.assign(logits.values.begin(), logits.values.end());
  }
  return checks;
}

void add_checks(const std::vector<CheckVector>& checks,
                std::map<std::string, std::string>& metadata) {
  std::vector<std::string> inputs;
  std::vector<std::string> logits;
  for (const CheckVector& check : checks) {
    inputs.push_back(check.input);
    logits.push_back(fmt::format("{}", fmt::join(check.logits, ",")));
  }
  metadata[std::string(kInputs)] = nlohmann::json(inputs).dump();
  metadata[std::string(kLogits)] = nlohmann::json(logits).dump();
}

std::vector<CheckVector> checks_from(const std::map<std::string, std::string>& metadata,
                                     const Model& model) {
  const auto inputs = metadata.find(std::string(kInputs));
  const auto logits = metadata.find(std::string(kLogits));
  if (inputs == metadata.end() && logits == metadata.end()) return {};
  if (inputs == metadata.end() || logits == metadata.end())
    throw_error("the model file has one half of its check vectors; the file is damaged");
  const auto input_texts = read_json_texts(inputs->second, "the list of check inputs");
  const auto logit_texts = read_json_texts(logits->second, "the list of check logits");
  if (input_texts.size() != logit_texts.size() || input_texts.size() > kMostChecks)
    throw_error("the model file has {} check inputs and {} rows of logits", input_texts.size(),
                logit_texts.size());
  std::vector<CheckVector> checks;
  for (std::size_t i = 0; i < input_texts.size(); ++i)
    checks.push_back({input_texts[i], logits_from(logit_texts[i], model.labels.size())});
  return checks;
}

}  // namespace nibble
