// nibble data: which data sets there are, how to get them, and what is in one.
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "output.h"
#include "verbs.h"

#include "nibble/data/catalogue.h"
#include "nibble/data/profile.h"

namespace nibble::cli {
namespace {

int list() {
  for (const DataSet& set : catalogue()) {
    const std::optional<std::filesystem::path> found = find_data_set(set.name);
    print(fmt::format(
        "{:<15} {}\n{:<15} from {}\n{:<15} {}\n", set.name, set.description, "", set.origin, "",
        found ? "here: " + found->string() : "not here yet: nibble data get " + set.name));
  }
  return kDone;
}

int get(const std::string& name) {
  print(fmt::format("{}\n", fetch_data_set(name).string()));
  return kDone;
}

void show_part(const std::string& name, const Examples& examples) {
  const DataProfile found = profile(examples);
  print(fmt::format("{}: {} rows of {}\n", name, found.rows,
                    examples.is_text() ? "text" : "numbers"));
  for (const LabelShare& label : found.labels)
    print(fmt::format("  label {:<16} {:>8} rows  {:5.1f} %\n", label.name, label.rows,
                      label.per_cent));
  print(fmt::format("  {:<22} {:>8} rows\n", "empty", found.empty_rows));
  print(fmt::format("  {:<22} {:>8} rows\n", "as an earlier row", found.duplicate_rows));
}

int show(const std::string& data) {
  const TrainAndTest loaded = load_data(data);
  show_part("training", loaded.training);
  if (!loaded.test) return kDone;
  show_part("test", *loaded.test);
  print(fmt::format("  {:<22} {:>8} rows\n", "also in training",
                    rows_in_common(*loaded.test, loaded.training)));
  return kDone;
}

}  // namespace

Verb add_data(CLI::App& program) {
  auto name = std::make_shared<std::string>();
  CLI::App* verb = program.add_subcommand("data", "Lists, fetches and describes data sets.");
  verb->require_subcommand(1);
  verb->footer(
      "Example:\n"
      "  nibble data list");

  CLI::App* list_verb =
      verb->add_subcommand("list", "The data sets known by name, and where they are.");
  list_verb->footer("Example:\n  nibble data list");

  CLI::App* get_verb = verb->add_subcommand(
      "get", "Finds a data set on this machine or fetches it, checks it, and prints its folder.");
  get_verb->add_option("NAME", *name, "A name from nibble data list")->required()->type_name("");
  get_verb->footer(
      "It is looked for in $NIBBLE_DATA/NAME, ../shared/data/NAME and the user's cache folder.\n\n"
      "Example:\n  nibble data get sst2");

  CLI::App* show_verb = verb->add_subcommand("show",
                                             "Rows, labels and their shares, empty and repeated "
                                             "rows, rows of test that also stand in training.");
  show_verb->add_option("DATA", *name, "A name, a folder or a file")->required()->type_name("");
  show_verb->footer("Example:\n  nibble data show reviews.tsv");

  return {verb, [list_verb, get_verb, name] {
            if (list_verb->parsed()) return list();
            return get_verb->parsed() ? get(*name) : show(*name);
          }};
}

}  // namespace nibble::cli
