#include "nibble/studio/held_out.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "nibble/core/error.h"

namespace nibble {
namespace {

template <typename Number>
void read_setting(const Model& model, const std::string& name, Number& value) {
  const auto found = model.provenance.settings.find(name);
  if (found == model.provenance.settings.end()) return;
  const std::string& text = found->second;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size())
    throw_error("the model's setting '{}' is '{}'; expected a number", name, text);
}

DataOptions options_of(const Model& model, const std::string& data) {
  DataOptions options;
  options.data = data;
  const auto& settings = model.provenance.settings;
  if (const auto file = settings.find("validation"); file != settings.end())
    options.validation_file = file->second;
  if (const auto split = settings.find("split"); split != settings.end())
    options.split = split_kind_named(split->second);
  read_setting(model, "split_seed", options.split_seed);
  read_setting(model, "validation_fraction", options.validation_fraction);
  return options;
}

DataPart part_for(const Model& model, Examples examples) {
  return make_part(with_labels_of(std::move(examples), model.labels), model.featurizer);
}

}  // namespace

HeldOut held_out_rows(const Model& model, const std::string& data) {
  DataParts parts = split_data(options_of(model, data));
  return {part_for(model, std::move(parts.training)), part_for(model, std::move(parts.validation))};
}

}  // namespace nibble
