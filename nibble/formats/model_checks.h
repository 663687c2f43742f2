// What must hold for every Model that is read from a file or written to one.
#pragma once

#include "nibble/model/model.h"

namespace nibble {

// An Error unless the layers chain, every weight, scale and bias is finite, every code is one that
// its encoding has, no sum of int8 products can overflow, there is one label for each output and no
// label twice, one feature for each input, and words, labels and settings are valid UTF-8.
void require_sound(const Model& model);

}  // namespace nibble
