// Arrays that a checkpoint (.pt) may carry beside its model, under the key "training_state": a dict
// of name to tensor with one dimension (float32, float64 or int64) or to text. torch.load opens it;
// read_checkpoint passes it by.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace nibble {

// To be written; refers to the writer's memory. Arrays must not be empty.
using StateView = std::variant<std::span<const float>, std::span<const double>,
                               std::span<const std::int64_t>, std::string>;
using StateViews = std::vector<std::pair<std::string, StateView>>;

// As read.
using StateValue =
    std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>, std::string>;
using StateValues = std::map<std::string, StateValue>;

}  // namespace nibble
