#include "judged_rows.h"

#include <filesystem>
#include <utility>

#include "nibble/data/catalogue.h"

namespace nibble::cli {

Examples judged_rows(const std::string& data, const LabelNames& labels) {
  if (std::filesystem::is_regular_file(data)) return load_examples(data, labels);
  TrainAndTest loaded = load_data(data);
  return with_labels_of(loaded.test ? std::move(*loaded.test) : std::move(loaded.training), labels);
}

}  // namespace nibble::cli
