// nibble: the command line over the library. Exit codes: 0 done, 1 our fault, 2 the user's input,
// 130 interrupted.
#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "help.h"
#include "output.h"
#include "verbs.h"

#include "nibble/core/error.h"
#include "nibble/kernels/cpu_level.h"
#include "nibble/measure/machine.h"

namespace nibble::cli {
namespace {

#ifdef NIBBLE_PREDICT_ONLY
constexpr const char* kDescription =
    "Runs small text and number classifiers. (This nibble was built without training and report.)";
constexpr const char* kFooter =
    "Each verb explains itself: nibble predict --help\n\n"
    "Example:\n"
    "  echo 'a warm and funny film' | nibble predict model-int8.safetensors";
#else
constexpr const char* kDescription =
    "Trains small text and number classifiers, makes them smaller, and measures what that costs.";
constexpr const char* kFooter =
    "Each verb explains itself: nibble train --help\n\n"
    "Example: the whole study, from the data to the table and a report\n"
    "  nibble study sst2 -o lab-out";
#endif

std::string version_text() {
  const MachineInfo machine = describe_machine();
  return fmt::format("nibble {} ({} build, {})\nCPU levels here: {}; in use: {}",
                     machine.nibble_version, NIBBLE_BUILD_TYPE, machine.compiler,
                     fmt::join(available_cpu_levels(), " "), machine.cpu_level);
}

std::vector<Verb> declare(CLI::App& program) {
  program.name("nibble");
  program.description(kDescription);
  program.footer(kFooter);
  program.formatter(help_formatter());
  program.fallthrough();  // --cpu may stand after the verb, too
  program.require_subcommand(1);
  program.set_version_flag("--version", version_text, "The version, the build, and the CPU levels");
  program
      .add_option_function<std::string>(
          "--cpu", [](const std::string& level) { force_cpu_level(level); },
          "Use a lower CPU level than the best one here (--version lists them); so does NIBBLE_CPU")
      ->trigger_on_parse()  // before --version, which ends the program
      ->type_name("LEVEL");
#ifdef NIBBLE_PREDICT_ONLY
  std::vector<Verb> verbs = {add_eval(program),   add_predict(program), add_inspect(program),
                             add_verify(program), add_bench(program),   add_completion(program)};
#else
  std::vector<Verb> verbs = {add_study(program),   add_train(program),     add_eval(program),
                             add_predict(program), add_quantize(program),  add_shrink(program),
                             add_blame(program),   add_convert(program),   add_inspect(program),
                             add_diff(program),    add_verify(program),    add_bench(program),
                             add_data(program),    add_completion(program)};
#endif
  for (const Verb& verb : verbs) {
    verb.parser->group("Verbs");
    for (CLI::App* nested : verb.parser->get_subcommands({})) nested->group("Verbs");
  }
  return verbs;
}  // namespace

int run(int argc, char** argv) {
  CLI::App program;
  const std::vector<Verb> verbs = declare(program);
  if (argc == 1) {
    remark(program.help());
    return kBadInput;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& request) {  // --help, --version
    return program.exit(request);
  } catch (const CLI::ParseError& error) {
    remark(sentence_for(error, program));
    return kBadInput;
  }
  const auto chosen =
      std::ranges::find_if(verbs, [](const Verb& verb) { return verb.parser->parsed(); });
  return chosen->run();
}

}  // namespace
}  // namespace nibble::cli

int main(int argc, char** argv) {
  using namespace nibble::cli;
  try {
    return run(argc, argv);
  } catch (const nibble::Error& error) {
    remark(fmt::format("nibble: {}", error.what()));
    return kBadInput;
  } catch (const std::bad_alloc&) {
    remark("nibble: out of memory");
    return kOurFault;
  } catch (const std::exception& error) {
    remark(fmt::format("nibble: internal error: {} (please report this)", error.what()));
    return kOurFault;
  }
}
