// What a verb prints: results on standard output, remarks on standard error.
#pragma once

#include <string_view>

namespace nibble::cli {

// Writes all of it now. An Error when standard output takes no more (a full disk); when its reader
// has gone
// (| head), the process ends quietly, as Unix tools do.
void print(std::string_view text);

void remark(std::string_view text);  // with a line end; never fails

}  // namespace nibble::cli
