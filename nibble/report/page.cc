#include "nibble/report/page.h"

#include <fmt/format.h>

#include "page_style.inc"

#include "nibble/core/thousands.h"
#include "nibble/report/headline.h"
#include "nibble/report/html.h"
#include "nibble/report/numbers.h"
#include "nibble/report/page_sections.h"

namespace nibble {
namespace {

std::string part_rows(const DataSummary& data) {
  std::string text;
  for (const PartProfile& part : data.parts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_thousands(part.profile.rows),
                        part.name);
  return text;
}

std::string training_outcome(const SeedRun& run) {
  if (run.best_epoch == 0) return "Training was stopped before its first epoch ended";
  return fmt::format("Best epoch {} with {:.2f} % validation accuracy{}", run.best_epoch,
                     run.validation_accuracy,
                     run.interrupted ? "; training was stopped early" : "");
}

std::string introduction(const StudyResult& result) {
  const SeedRun& run = result.first();
  const std::string seeds = result.runs.size() > 1
                                ? fmt::format("{} seeds, first {}", result.runs.size(), run.seed)
                                : fmt::format("seed\u00A0{}", run.seed);
  return fmt::format("Data {} ({} rows); {} parameters; {}. {}.", result.data.name,
                     part_rows(result.data), with_thousands(result.parameters), seeds,
                     training_outcome(run));
}

std::string verdicts(const StudyResult& result) {
  std::string list = "<ul class=\"verdicts\">\n";
  for (std::size_t variant = 1; variant < result.first().variants.size(); ++variant)
    list +=
        fmt::format("<li><b>{}</b> {}</li>\n", escape_html(result.first().variants[variant].name),
                    escape_html(verdict_text(result, variant)));
  return list + "</ul>\n";
}

std::string page_header(const StudyResult& result) {
  return fmt::format(
      "<header>\n<p class=\"eyebrow\">nibble study · {}</p>\n<h1>{}</h1>\n<p "
      "class=\"lead\">{}</p>\n{}</header>\n",
      escape_html(result.data.name), escape_html(headline(result)),
      escape_html(introduction(result)), verdicts(result));
}

std::string page_footer(const StudyResult& result) {
  return fmt::format(
      "<footer><p>Made by nibble {} on {}. This page holds everything it shows.</p></footer>\n",
      escape_html(result.machine.nibble_version), escape_html(result.machine.cpu_model));
}

std::string page_sections(const StudyResult& result) {
  return results_section(result) + comparison_section(result) + seeds_section(result) +
         training_section(result) + confusion_section(result) + flips_section(result) +
         layers_section(result) + storage_section(result) + data_section(result) +
         method_section(result) + settings_section(result);
}

}  // namespace

std::string report_page(const StudyResult& result) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}: what each precision "
      "costs</title>\n<style>\n{}</style>\n</head>\n<body>\n{}<main>\n{}</main>\n{}</body>\n"
      "</html>\n",
      escape_html(result.data.name), kPageStyle, page_header(result), page_sections(result),
      page_footer(result));
}

}  // namespace nibble
