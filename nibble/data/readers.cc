#include "nibble/data/readers.h"

#include <string>
#include <string_view>

#include "nibble/core/digest.h"
#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/data/idx.h"
#include "nibble/data/labelled_text.h"
#include "nibble/data/numeric_csv.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

bool has_tab_in_first_line(std::string_view bytes) {
  return bytes.substr(0, bytes.find('\n')).find('\t') != std::string_view::npos;
}

Examples read_any(std::string_view bytes, const fs::path& path, std::string_view name,
                  const LabelNames& known_labels) {
  switch (file_kind(path, bytes)) {
    case FileKind::kIdx:
      return read_idx(bytes, path, known_labels);
    case FileKind::kNumericCsv:
      return read_numeric_csv(bytes, name, known_labels);
    case FileKind::kLabelledText:
      break;
  }
  return read_labelled_text(bytes, name, known_labels);
}

}  // namespace

FileKind file_kind(const fs::path& path, std::string_view first_bytes) {
  if (looks_like_idx(first_bytes)) return FileKind::kIdx;
  const bool csv = path.extension() == ".csv" && !has_tab_in_first_line(first_bytes);
  return csv ? FileKind::kNumericCsv : FileKind::kLabelledText;
}

Examples load_examples(const fs::path& path, const LabelNames& known_labels) {
  const std::string name = path == "-" ? "standard input" : path.string();
  const std::string bytes = read_file(path);
  if (bytes.empty()) throw_error("'{}' is empty; expected rows of data", name);
  Examples examples = read_any(bytes, path, name, known_labels);
  examples.source = name;
  if (examples.sha256.empty()) examples.sha256 = sha256_hex(bytes);
  return examples;
}

}  // namespace nibble
