#include "nibble/formats/setting_value.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace nibble {
namespace {

// A list in a hostile pickle can name one long text again and again.
constexpr std::size_t kLongestSetting = std::size_t{1} << 20;

template <typename T>
std::optional<T> parse(std::string_view text) {
  T number{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::string text_from_number(const SettingNumber& number) {
  return std::visit([](auto value) { return fmt::format("{}", value); }, number);
}

std::optional<SettingNumber> number_from_text(std::string_view text) {
  std::optional<SettingNumber> number;
  if (const auto whole = parse<std::int64_t>(text)) {
    number = *whole;
  } else if (const auto real = parse<double>(text); real && std::isfinite(*real)) {
    number = *real;
  }
  if (number && text_from_number(*number) != text) return std::nullopt;
  return number;
}

std::optional<std::vector<SettingNumber>> numbers_from_text(std::string_view text) {
  std::vector<SettingNumber> numbers;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const auto number = number_from_text(text.substr(0, comma));
    if (!number) return std::nullopt;
    numbers.push_back(*number);
    if (comma == std::string_view::npos) return numbers;
    text.remove_prefix(comma + 1);
    if (text.empty()) return std::nullopt;  // a comma with nothing behind it
  }
  return numbers;
}

std::optional<std::string> setting_from_pickle(const PickleValue& value,
                                               const NumberOfTensor& number_of) {
  if (const auto* text = value.as<std::string_view>()) return std::string(*text);
  if (const auto* flag = value.as<bool>()) return *flag ? "true" : "false";
  if (const auto* whole = value.as<std::int64_t>()) return text_from_number(*whole);
  if (const auto* real = value.as<double>()) return text_from_number(*real);
  if (const PickleTensor* tensor = value.as_tensor()) {
    const auto number = number_of(*tensor);
    return number ? std::optional(text_from_number(*number)) : std::nullopt;
  }
  const auto* list = value.as<PickleList>();
  if (list == nullptr) return std::nullopt;
  std::string joined;
  for (const PickleValue* item : list->items) {
    if (item->as<PickleList>() != nullptr) return std::nullopt;
    const auto piece = setting_from_pickle(*item, number_of);
    if (!piece || joined.size() + piece->size() > kLongestSetting) return std::nullopt;
    if (item != list->items.front()) joined += ',';
    joined += *piece;
  }
  return joined;
}

}  // namespace nibble
