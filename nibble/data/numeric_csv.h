// Files of numbers: one row a line, numbers and then the label, commas between them.
#pragma once

#include <cstddef>
#include <string_view>

#include "nibble/data/examples.h"

namespace nibble {

// The first line is taken for a heading when none of its cells but the last is a number. Double
// quotes around a label do not count. Errors: see lines.h, number_row.h and label_column.h; also
// rows of uneven length and a file without rows.
Examples read_numeric_csv(std::string_view bytes, std::string_view file,
                          const LabelNames& known_labels, std::size_t lines_before = 0);

}  // namespace nibble
