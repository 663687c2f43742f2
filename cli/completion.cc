// nibble completion bash: a script made from the declared verbs and options, so that it cannot fall
// behind them.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "output.h"
#include "verbs.h"

namespace nibble::cli {
namespace {

// Words of an option come after the option, words of a verb after the verb; options after a dash.
// Where nothing matches, bash completes file names (-o default).
constexpr const char* kScript =
    R"(# Completes nibble's verbs and options in bash. Load it with: source <(nibble completion bash)
_nibble() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} verb= words=
  [[ $COMP_CWORD -gt 1 ]] && verb=${{COMP_WORDS[1]}}
  case "$verb $previous" in
{}  esac
  if [[ -z $words && $current == -* ]]; then
    case "$verb" in
{}    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _nibble nibble
)";

// "on|off" -> "on off"; nothing when the type is not a choice.
std::string choices(const CLI::Option& option) {
  std::string words = option.get_type_name();
  if (words.find('|') == std::string::npos) return "";
  std::ranges::replace(words, '|', ' ');
  return words;
}

std::string long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return fmt::format("{}", fmt::join(names, " "));
}

std::string verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands({})) names.push_back(verb->get_name());
  return fmt::format("{}", fmt::join(names, " "));
}

// Cases of "$verb $previous": what may follow each option and each verb that has a choice.
void append_word_cases(const CLI::App& app, const std::string& pattern, std::string& cases) {
  const auto add = [&cases](const std::string& case_pattern, const std::string& words) {
    if (!words.empty()) cases += fmt::format("    {}) words=\"{}\" ;;\n", case_pattern, words);
  };
  for (const CLI::Option* option : app.get_options()) {
    const std::string words = choices(*option);
    add(option->get_positional() ? pattern : fmt::format("*\" {}\"", option->get_name()), words);
  }
  add(pattern, verb_names(app));
  for (const CLI::App* verb : app.get_subcommands({}))
    append_word_cases(*verb, fmt::format("*\" {}\"", verb->get_name()), cases);
}

std::string script(const CLI::App& program) {
  std::string word_cases;
  append_word_cases(program, "\" \"*", word_cases);
  std::string option_cases;
  for (const CLI::App* verb : program.get_subcommands({}))
    option_cases +=
        fmt::format("      {}) words=\"{}\" ;;\n", verb->get_name(), long_names(*verb) + " --cpu");
  option_cases += fmt::format("      *) words=\"{}\" ;;\n", long_names(program));
  return fmt::format(kScript, word_cases, option_cases);
}

}  // namespace

Verb add_completion(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "completion", "Prints the script with which a shell completes commands.");
  verb->require_subcommand(1);
  CLI::App* bash = verb->add_subcommand("bash", "For bash.");
  for (CLI::App* app : {verb, bash})
    app->footer(
        "Example: in ~/.bashrc\n"
        "  source <(nibble completion bash)");
  return {verb, [&program] {
            print(script(program));
            return kDone;
          }};
}

}  // namespace nibble::cli
