// A recipe (quant/recipe.h) out of a file: a JSON object, {"0": "int4:row", "1-3": "int8"}, or the
// same as TOML, one `layers = "encoding"` in each line; `*` must stand in quotes there.
#pragma once

#include <filesystem>
#include <string_view>

#include "nibble/quant/recipe.h"

namespace nibble {

// From the file if the text ends in .json or .toml, else from the text itself. An Error that names
// the file and the line.
Recipe recipe_from(std::string_view text_or_path);

}  // namespace nibble
