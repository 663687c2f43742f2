#include "help.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace nibble::cli {
namespace {

constexpr std::size_t kNameColumns = 28;
constexpr std::size_t kDescriptionColumns = 72;  // 100 in all

std::string wrap_line(std::string_view line, std::size_t columns) {
  std::string wrapped;
  while (line.size() > columns) {
    std::size_t cut = line.rfind(' ', columns);
    if (cut == std::string_view::npos) cut = columns;
    wrapped.append(line.substr(0, cut)).append("\n");
    line.remove_prefix(std::min(cut + 1, line.size()));
  }
  return wrapped.append(line);
}

std::string wrap(std::string_view text, std::size_t columns) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return wrap_line(text, columns);
  return wrap_line(text.substr(0, end), columns) + "\n" + wrap(text.substr(end + 1), columns);
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(kNameColumns);
    label("OPTIONS", "options");
    label("SUBCOMMAND", "VERB");
    label("Positionals", "Arguments");
  }

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
    for (std::size_t at = 0; (at = text.find("\n\n\n", at)) != std::string::npos;)
      text.erase(at, 1);
    return text;
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_type_size() == 0 || option->get_type_name().empty()) return "";
    return " " + option->get_type_name();
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (option->get_required() && !option->get_positional()) text += " (required)";
    if (!option->get_default_str().empty())
      text += fmt::format(" (default: {})", option->get_default_str());
    return wrap(text, kDescriptionColumns);
  }

  std::string make_description(const CLI::App* app) const override {
    return wrap(app->get_description(), kNameColumns + kDescriptionColumns) + "\n\n";
  }

  std::string make_subcommand(const CLI::App* verb) const override {
    // A verb's first sentence is enough in the list of verbs.
    const std::string& description = verb->get_description();
    return fmt::format("  {:<12}{}\n", verb->get_name(),
                       description.substr(0, description.find('.')));
  }
};

std::string problem(const CLI::ParseError& error, const CLI::App& app,
                    const std::vector<std::string>& unknown) {
  const auto option =
      std::ranges::find_if(unknown, [](const std::string& word) { return word.starts_with('-'); });
  if (option != unknown.end()) return fmt::format("there is no option '{}'", *option);
  if (!app.get_subcommands({}).empty())
    return unknown.empty() ? "a verb is missing"
                           : fmt::format("there is no verb '{}'", unknown.front());
  if (!unknown.empty()) return fmt::format("'{}' is one argument too many", unknown.front());
  return error.what();
}

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<HelpFormatter>(); }

std::string sentence_for(const CLI::ParseError& error, const CLI::App& program) {
  const CLI::App* app = &program;
  std::string command = "nibble";
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    command += " " + app->get_name();
  }
  return fmt::format("{}: {} ({} --help shows what there is)", command,
                     problem(error, *app, program.remaining(true)), command);
}

}  // namespace nibble::cli
