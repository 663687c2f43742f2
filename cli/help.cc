#include "help.h"

#include <string_view>

#include <fmt/format.h>

namespace nibble::cli {
namespace {

constexpr std::size_t kNameColumns = 28;
constexpr std::size_t kDescriptionColumns = 72;  // 100 in all

std::string wrap(std::string_view text, std::size_t columns) {
  std::string wrapped;
  while (text.size() > columns) {
    std::size_t cut = text.rfind(' ', columns);
    if (cut == std::string_view::npos) cut = columns;
    wrapped.append(text.substr(0, cut)).append("\n");
    text.remove_prefix(std::min(cut + 1, text.size()));
  }
  return wrapped.append(text);
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(kNameColumns);
    label("OPTIONS", "options");
    label("SUBCOMMAND", "VERB");
    label("SUBCOMMANDS", "VERBS");
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

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<HelpFormatter>(); }

std::string sentence_for(const CLI::ParseError& error, const CLI::App& program) {
  std::string command = "nibble";
  for (const CLI::App* app = &program; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    command += " " + app->get_name();
  }
  return fmt::format("{}: {} ({} --help shows the options)", command, error.what(), command);
}

}  // namespace nibble::cli
