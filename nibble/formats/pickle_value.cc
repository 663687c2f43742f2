#include "nibble/formats/pickle_value.h"

#include <array>

namespace nibble {

const PickleValue* PickleDict::find(std::string_view key) const {
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const auto* text = entry->first->as<std::string_view>();
    if (text != nullptr && *text == key) return entry->second;
  }
  return nullptr;
}

const PickleTensor* PickleValue::as_tensor() const {
  const auto* tensor = as<std::unique_ptr<const PickleTensor>>();
  return tensor == nullptr ? nullptr : tensor->get();
}

std::string_view kind_of(const PickleValue& value) {
  // In the order of the variant.
  static constexpr std::array<std::string_view, 11> kKinds = {
      "None",    "a boolean", "a whole number", "a number",  "text",    "a list",
      "a tuple", "a dict",    "a class",        "a storage", "a tensor"};
  return kKinds[value.content.index()];
}

}  // namespace nibble
