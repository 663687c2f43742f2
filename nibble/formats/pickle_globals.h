// The names that a pickle may use.
#pragma once

#include <string_view>

#include "nibble/formats/pickle_value.h"

namespace nibble {

// An Error that names the global, says that nothing was run, and how to save a file that can be
// read, unless it is on the list.
PickleGlobal allowed_global(std::string_view module, std::string_view name);

}  // namespace nibble
