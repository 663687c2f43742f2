// A data file to Examples, whatever its kind.
#pragma once

#include <filesystem>
#include <string_view>

#include "nibble/data/examples.h"

namespace nibble {

enum class FileKind { kIdx, kNumericCsv, kLabelledText };
// From the ending and the first bytes, which must hold the first line unless it is longer.
FileKind file_kind(const std::filesystem::path& path, std::string_view first_bytes);

// One file, "-" for standard input, with labels matched to those already known when `known_labels`
// is not empty (an unknown label is an Error). The kind goes by content and ending: IDX (idx.h); a
// name that ends in .csv and has no TAB in its first line: numbers (numeric_csv.h); otherwise
// sentence TAB label (labelled_text.h). Label names are sorted by number if all are whole numbers,
// else by code point. Every Error names the file and, where there is one, the line.
Examples load_examples(const std::filesystem::path& path, const LabelNames& known_labels = {});

}  // namespace nibble
