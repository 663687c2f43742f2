// The sections that let a reader judge and repeat the study: data, method, settings, machine.
#include <fmt/format.h>

#include "nibble/core/thousands.h"
#include "nibble/report/headline.h"
#include "nibble/report/html.h"
#include "nibble/report/numbers.h"
#include "nibble/report/page_sections.h"

namespace nibble {
namespace {

// One line of the profile table: a count of every part.
std::vector<HtmlCell> profile_row(const DataSummary& data, const std::string& name,
                                  const std::size_t DataProfile::*count) {
  std::vector<HtmlCell> cells = {{.text = name}};
  for (const PartProfile& part : data.parts)
    cells.push_back({.text = with_thousands(part.profile.*count)});
  return cells;
}

std::vector<HtmlCell> label_row(const DataSummary& data, std::size_t label) {
  std::vector<HtmlCell> cells = {
      {.text = "Label " + data.parts.front().profile.labels[label].name}};
  for (const PartProfile& part : data.parts) {
    const LabelShare& share = part.profile.labels[label];
    cells.push_back({.text = with_thousands(share.rows),
                     .style = "",
                     .note = fmt::format("{:.1f} %", share.per_cent)});
  }
  return cells;
}

// Every part lists all labels, in the same order.
HtmlTable profile_table(const DataSummary& data) {
  HtmlTable table;
  table.caption = "The parts of the data";
  table.headers = {"Count"};
  for (const PartProfile& part : data.parts) table.headers.push_back(part.name);
  table.rows.push_back(profile_row(data, "Rows", &DataProfile::rows));
  for (std::size_t label = 0; label < data.parts.front().profile.labels.size(); ++label)
    table.rows.push_back(label_row(data, label));
  table.rows.push_back(profile_row(data, "Empty rows", &DataProfile::empty_rows));
  table.rows.push_back(profile_row(data, "Repeated rows", &DataProfile::duplicate_rows));
  return table;
}

HtmlTable files_table(const std::vector<DataFile>& files) {
  HtmlTable table;
  table.caption = "The files and their SHA-256";
  table.headers = {"File", "SHA-256"};
  table.text_columns = 2;
  for (const DataFile& file : files)
    table.rows.push_back({{.text = file.path}, {.text = file.sha256, .style = "hash"}});
  return table;
}

std::string split_text(const DataSummary& data) {
  if (data.split == "file") return "The validation part is a file of its own.";
  const char* meaning =
      data.split == "stratified"
          ? "keeping each label's share, as scikit-learn's train_test_split(stratify=labels) does"
          : "as scikit-learn's train_test_split does";
  return fmt::format("Training and validation were parted at random with seed {}, {}.",
                     data.split_seed, meaning);
}

std::string features_text(const DataSummary& data) {
  if (!data.is_text) return fmt::format("A row is {} numbers.", with_thousands(data.features));
  return fmt::format(
      "A sentence becomes counts of {} words; the vocabulary comes from the training part alone.",
      with_thousands(data.features));
}

std::string overlap_text(const DataSummary& data) {
  if (data.test_rows_in_training == 0) return "No test row also stands in training.";
  return fmt::format("{} test {} also in training.", with_thousands(data.test_rows_in_training),
                     data.test_rows_in_training == 1 ? "row stands" : "rows stand");
}

std::string seconds_text(double seconds) { return fmt::format("{:.2f} s", seconds); }

std::string machine_facts(const StudyResult& result) {
  const MachineInfo& machine = result.machine;
  return html_facts(
      {{"Processor", machine.cpu_model},
       {"Processors in use",
        fmt::format("{} for training, 1 for every time in the table", result.threads)},
       {"Processors available", std::to_string(machine.processors)},
       {"Instruction set", machine.cpu_level},
       {"Memory", machine.memory},
       {"System", machine.operating_system},
       {"Compiler", machine.compiler},
       {"nibble", machine.nibble_version}});
}

std::string phase_facts(const PhaseSeconds& seconds) {
  return html_facts({{"Reading and features", seconds_text(seconds.data)},
                     {"Training", seconds_text(seconds.training)},
                     {"Quantizing and writing", seconds_text(seconds.quantizing)},
                     {"Measuring", seconds_text(seconds.measuring)},
                     {"Together", seconds_text(seconds.data + seconds.training +
                                               seconds.quantizing + seconds.measuring)}});
}

std::string setting_facts(const StudyResult& result) {
  std::vector<HtmlFact> facts;
  for (const auto& [name, value] : result.settings) facts.push_back({name, value});
  return html_facts(facts);
}

std::string titled(const char* title, const std::string& facts) {
  return fmt::format("<div class=\"facts\"><h3>{}</h3>\n{}</div>\n", title, facts);
}

}  // namespace

std::string data_section(const StudyResult& result) {
  const DataSummary& data = result.data;
  return html_section(
      "data", "The data",
      html_paragraph(split_text(data) + " " + features_text(data) + " " + overlap_text(data)) +
          (data.parts.empty() ? "" : html_table(profile_table(data))) +
          html_note("A repeated row is one whose input stood in an earlier row of the same part.") +
          (data.files.empty() ? "" : html_table(files_table(data.files))));
}

std::string method_section(const StudyResult& result) {
  static constexpr const char* kMethod = R"(<ul>
<li><b>What is measured is what is stored.</b> Each precision was written to its file, and the file was loaded again before anything was measured.</li>
<li><b>Accuracy</b> is the share of test rows with the right label, in per cent. Its 95 % interval is Wilson's score interval.</li>
<li><b>Flipped rows</b> are test rows whose label differs from Original's. The exact two-sided McNemar test asks whether rows that became right and rows that became wrong could be the two sides of a fair coin; p is the chance of a split at least this uneven.</li>
<li><b>Storage</b> is the size of the whole file; 1 MB is 1,048,576 bytes.</li>
<li><b>Inference time</b> is that of one call with one row on one thread, from features to logits: median and 99th percentile over at least 1,000 calls in five rounds, in which all models take turns. Text to label adds finding the words and naming the label.</li>
<li><b>Rows per second</b> are for batches of 256 rows on one thread.</li>
</ul>
)";
  return html_section("method", "How it was measured", kMethod + html_note(certainty_text(result)));
}

std::string settings_section(const StudyResult& result) {
  return html_section("settings", "Settings, machine, time",
                      "<div class=\"thirds\">\n" + titled("Settings", setting_facts(result)) +
                          titled("Machine", machine_facts(result)) +
                          titled("Time", phase_facts(result.seconds)) + "</div>\n");
}

}  // namespace nibble
