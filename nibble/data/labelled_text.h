// Files of text: one row a line, sentence TAB label.
#pragma once

#include <cstddef>
#include <string_view>

#include "nibble/data/examples.h"

namespace nibble {

// The label stands after the last TAB, so a sentence may hold TABs; it may also be empty. A first
// line that reads "sentence" or "text" TAB "label" is taken for a heading (GLUE's files have one).
// Errors: see lines.h and label_column.h; also a row without TAB and a file without rows.
Examples read_labelled_text(std::string_view bytes, std::string_view file,
                            const LabelNames& known_labels, std::size_t lines_before = 0);

}  // namespace nibble
