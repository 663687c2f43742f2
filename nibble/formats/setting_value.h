// Settings are text in a Model ("0.3") and numbers in a Python dict (0.3). Going there and back
// gives the same text.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nibble/formats/pickle_value.h"

namespace nibble {

using SettingNumber = std::variant<std::int64_t, double>;

// The number that this text is the shortest form of; nothing for any other text ("1e-4", "007").
std::optional<SettingNumber> number_from_text(std::string_view text);
std::string text_from_number(const SettingNumber& number);

// The numbers of "512,256"; nothing unless all pieces are numbers.
std::optional<std::vector<SettingNumber>> numbers_from_text(std::string_view text);

// The number that a tensor without dimensions holds; nothing for any other tensor.
using NumberOfTensor = std::function<std::optional<double>(const PickleTensor&)>;

// How a setting read from a pickle is written as text; nothing for what is no setting (a larger
// tensor, a dict, a list of lists).
std::optional<std::string> setting_from_pickle(const PickleValue& value,
                                               const NumberOfTensor& number_of);

}  // namespace nibble
