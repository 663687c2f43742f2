// A model as one C99 header that needs nothing: weights, and functions that give a label.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "nibble/model/model.h"

namespace nibble {

inline constexpr std::size_t kLargestHeader = std::size_t{8} << 20;  // bytes, unless asked for more

// The text of the header. `name` stands in front of every name in it and is made of letters, digits
// and
// '_' (c_name_from gives one); it defines
//   NAME_INPUTS, NAME_LABELS, NAME_labels[]
//   int NAME_predict(const float *inputs, float *logits)             a label's index; logits may be
//   null int NAME_predict_text(const char *text, size_t bytes, float *logits)     for models of
//   words
// It includes stdint.h and stddef.h, calls no function of the C library, allocates nothing, and
// keeps no state: it compiles as C99 and as C++, without warnings, and any number of threads may
// call it.
//
// int8 and int4 compute what nibble does, to the bit: integer sums, and float32 steps in the same
// order (unless the compiler fuses products and sums: -ffp-contract=off in GCC). f32 and f16 add in
// another order. Words are cut as nibble cuts them, in every script: tables of letters and lower
// case come along. The one difference: a capital sigma beside characters like an apostrophe.
//
// An Error for bf16 and int8-torch, and when the header would be longer than `most` bytes.
std::string c_header(const Model& model, std::string_view name, std::size_t most = kLargestHeader);

// "my model-2.h" -> "my_model_2".
std::string c_name_from(std::string_view stem);

}  // namespace nibble
