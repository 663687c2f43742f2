// Tables of characters for C, from those of the text room.
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "nibble/formats/c_header_code.h"
#include "nibble/text/unicode.h"

namespace nibble {
namespace {

constexpr char32_t kEnd = 0x110000;
constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kCapitalIWithDot = 0x130;

struct WordRun {
  char32_t first = 0;
  char32_t last = 0;
};

std::vector<WordRun> word_runs() {
  std::vector<WordRun> runs;
  for (char32_t value = 0; value < kEnd; ++value) {
    if (!is_word_character(value)) continue;
    if (!runs.empty() && runs.back().last + 1 == value) {
      runs.back().last = value;
    } else {
      runs.push_back({value, value});
    }
  }
  return runs;
}

// Characters first, first + step, ..., last whose lower case lies `distance` further on.
struct CaseRun {
  std::int32_t first = 0;
  std::int32_t last = 0;
  std::int32_t step = 1;
  std::int32_t distance = 0;
};

// Steps of 2 for the alphabets in which capitals and small letters take turns.
bool extends(CaseRun& run, std::int32_t value, std::int32_t distance) {
  const std::int32_t gap = value - run.last;
  if (run.distance != distance || gap > 2 || (run.first != run.last && gap != run.step))
    return false;
  run.step = gap;
  run.last = value;
  return true;
}

std::vector<CaseRun> case_runs() {
  std::vector<CaseRun> runs;
  for (char32_t value = 0; value < kEnd; ++value) {
    const LowerCase lower = lower_case(value);
    if (lower.first == value || value == kCapitalSigma || value == kCapitalIWithDot) continue;
    const auto place = static_cast<std::int32_t>(value);
    const auto distance = static_cast<std::int32_t>(lower.first) - place;
    if (runs.empty() || !extends(runs.back(), place, distance))
      runs.push_back({place, place, 1, distance});
  }
  return runs;
}

constexpr std::size_t kInLine = 5;

std::string line_end(std::size_t index) { return index % kInLine == kInLine - 1 ? "\n" : " "; }

}  // namespace

std::string c_tables_of_characters() {
  const std::vector<WordRun> words = word_runs();
  std::string text = "\n/* First and last of each run of letters, digits and '_'. */\n";
  text += fmt::format("static const uint32_t @_word_runs[{}][2] = {{\n", words.size());
  for (std::size_t i = 0; i < words.size(); ++i)
    text += fmt::format("{{{},{}}},{}", static_cast<std::uint32_t>(words[i].first),
                        static_cast<std::uint32_t>(words[i].last), line_end(i));
  const std::vector<CaseRun> cases = case_runs();
  text +=
      "};\n\n/* First, last and step of each run of capitals, and how far on their small letters "
      "lie. */\n";
  text += fmt::format("static const int32_t @_case_runs[{}][4] = {{\n", cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i)
    text += fmt::format("{{{},{},{},{}}},{}", cases[i].first, cases[i].last, cases[i].step,
                        cases[i].distance, line_end(i));
  return text + "};\n";
}

}  // namespace nibble
