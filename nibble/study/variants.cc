#include "nibble/study/variants.h"

#include <array>
#include <string_view>

#include "nibble/core/file.h"
#include "nibble/formats/model_file.h"

namespace nibble {
namespace {

struct Variant {
  std::string_view name;  // the lab's words
  Scheme scheme;
};
// Half is float16, not bfloat16: the same bytes, eight times finer.
constexpr std::array kVariants = {
    Variant{"Original", Scheme::kF32}, Variant{"Dynamic (INT8)", Scheme::kInt8},
    Variant{"Dynamic (INT4)", Scheme::kInt4}, Variant{"Half", Scheme::kF16}};

StoredVariant store(const Model& original, const Variant& variant,
                    const std::filesystem::path& folder) {
  StoredVariant stored{.name = std::string(variant.name),
                       .file = folder / (std::string(name_of(variant.scheme)) + ".safetensors"),
                       .model = variant.scheme == Scheme::kF32
                                    ? original
                                    : quantized_model(original, variant.scheme)};
  save_model(stored.model, stored.file);
  return stored;
}

}  // namespace

std::vector<StoredVariant> store_variants(const Model& original,
                                          const std::filesystem::path& folder) {
  make_folder(folder);
  std::vector<StoredVariant> stored;
  for (const Variant& variant : kVariants) stored.push_back(store(original, variant, folder));
  return stored;
}

std::vector<ResultRow> measure_variants(const std::vector<StoredVariant>& variants,
                                        const DataPart& test, const std::filesystem::path& folder) {
  std::vector<ResultRow> rows;
  rows.reserve(variants.size());  // later rows point at the first one's labels
  for (const StoredVariant& variant : variants) {
    VariantMeasure how;
    how.name = variant.name;
    how.file = variant.file;
    if (!rows.empty()) how.original = &rows.front().predicted;
    rows.push_back(measure_variant(how, test.examples));
    rows.back().file = std::filesystem::proximate(variant.file, folder).string();
  }
  return rows;
}

}  // namespace nibble
