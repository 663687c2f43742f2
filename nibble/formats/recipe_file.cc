#include "nibble/formats/recipe_file.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/formats/strict_json.h"

namespace nibble {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_quoted(std::string_view text) {
  return text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
         text.back() == text.front();
}

std::string_view unquoted(std::string_view text) {
  return is_quoted(text) ? text.substr(1, text.size() - 2) : text;
}

// Up to a # that stands in no quotes.
std::string_view without_comment(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '\0' && c == '#') return line.substr(0, i);
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    }
  }
  return line;
}

// The part of TOML that a recipe needs: key = "value", comments, empty lines.
std::string text_from_toml(std::string_view toml) {
  std::vector<std::string> items;
  for (std::size_t number = 1; !toml.empty(); ++number) {
    const std::size_t end = std::min(toml.find('\n'), toml.size());
    const std::string_view line = trimmed(without_comment(toml.substr(0, end)));
    toml.remove_prefix(std::min(end + 1, toml.size()));
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? "" : trimmed(line.substr(equals + 1));
    if (!is_quoted(value))
      throw_error("line {} is '{}'; expected layers = \"encoding\", such as 1-3 = \"int8\"", number,
                  line);
    items.push_back(
        fmt::format("{}={}", unquoted(trimmed(line.substr(0, equals))), unquoted(value)));
  }
  if (items.empty()) throw_error("it names no layers");
  return fmt::format("{}", fmt::join(items, ","));
}

std::string text_from_json(std::string_view json) {
  std::vector<std::string> items;
  for (const auto& [layers, encoding] : read_json_text_map(json, "the recipe"))
    items.push_back(fmt::format("{}={}", layers, encoding));
  if (items.empty()) throw_error("it names no layers");
  return fmt::format("{}", fmt::join(items, ","));
}

}  // namespace

Recipe recipe_from(std::string_view text_or_path) {
  const bool is_json = text_or_path.ends_with(".json");
  if (!is_json && !text_or_path.ends_with(".toml")) return Recipe::from_text(text_or_path);
  const std::string content = read_file(text_or_path);
  try {
    return Recipe::from_text(is_json ? text_from_json(content) : text_from_toml(content));
  } catch (const Error& problem) {
    throw_error("cannot read the recipe '{}': {}", text_or_path, problem.what());
  }
}

}  // namespace nibble
