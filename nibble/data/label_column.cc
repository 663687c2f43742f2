#include "nibble/data/label_column.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

constexpr std::size_t kLongestName = 256;
constexpr std::size_t kNamesShown = 10;

std::string_view trimmed(std::string_view name) {
  constexpr std::string_view kSpace = " \t\v\f\r";
  const std::size_t first = name.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return name.substr(first, name.find_last_not_of(kSpace) - first + 1);
}

bool is_control(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F; }

void require_name(std::string_view name, const Place& place) {
  if (name.empty()) {
    throw_error("{}: the label is empty; expected a name or number in the last column",
                to_string(place));
  }
  if (name.size() > kLongestName || std::ranges::any_of(name, is_control)) {
    throw_error(
        "{}: what stands in the last column ({} bytes) is no label; expected a name of at most {} "
        "bytes without control characters",
        to_string(place), name.size(), kLongestName);
  }
}

std::optional<std::int64_t> whole_number(std::string_view name) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (problem != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return value;
}

std::string list_of(const LabelNames& names) {
  const auto shown = static_cast<std::ptrdiff_t>(std::min(names.size(), kNamesShown));
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + shown, ", "),
                     names.size() > kNamesShown ? ", ..." : "");
}

}  // namespace

void sort_label_names(LabelNames& names) {
  std::ranges::sort(names);
  if (!std::ranges::all_of(names,
                           [](const auto& name) { return whole_number(name).has_value(); })) {
    return;
  }
  std::ranges::stable_sort(names, {}, [](const auto& name) { return *whole_number(name); });
}

LabelColumn::LabelColumn(const LabelNames& known) : closed_(!known.empty()), names_(known) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    indices_.emplace(names_[i], static_cast<Label>(i));
  }
}

void LabelColumn::add(std::string_view name, const Place& place) {
  name = trimmed(name);
  require_name(name, place);
  labels_.push_back(index_of(name, place));
}

Label LabelColumn::index_of(std::string_view name, const Place& place) {
  const auto [entry, is_new] =
      indices_.try_emplace(std::string(name), static_cast<Label>(names_.size()));
  if (!is_new) return entry->second;
  if (closed_) {
    throw_error("{}: the label '{}' is not among those known: {}", to_string(place), name,
                list_of(names_));
  }
  names_.emplace_back(name);
  return entry->second;
}

void LabelColumn::finish(Examples& examples) {
  examples.label_names = names_;
  if (!closed_) {
    sort_label_names(examples.label_names);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      indices_[examples.label_names[i]] = static_cast<Label>(i);
    }
    for (Label& label : labels_) label = indices_[names_[static_cast<std::size_t>(label)]];
  }
  examples.labels = std::move(labels_);
}

}  // namespace nibble
