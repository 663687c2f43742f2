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

// "0=int4:row,*=f16" -> "0-int4-row-f16": a file name.
std::string file_stem(const std::string& recipe) {
  std::string stem;
  for (const char c : recipe) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    if (plain) {
      stem += c;
    } else if (!stem.empty() && stem.back() != '-') {
      stem += '-';
    }
  }
  return stem;
}

StoredVariant store_recipe(const Model& original, const std::string& recipe,
                           const std::filesystem::path& folder) {
  StoredVariant stored{.name = recipe,
                       .file = folder / (file_stem(recipe) + ".safetensors"),
                       .model = quantized_model(original, Recipe::from_text(recipe))};
  save_model(stored.model, stored.file);
  return stored;
}

}  // namespace

std::vector<std::string> all_other_schemes() {
  return {"bf16", "int8-torch", "fp8", "nf4", "int3", "int2", "ternary", "1bit", "pq4", "pq8"};
}

std::vector<StoredVariant> store_variants(const Model& original,
                                          const std::filesystem::path& folder,
                                          const std::vector<std::string>& recipes) {
  make_folder(folder);
  std::vector<StoredVariant> stored;
  stored.reserve(kVariants.size() + recipes.size());
  for (const Variant& variant : kVariants) stored.push_back(store(original, variant, folder));
  for (const std::string& recipe : recipes)
    stored.push_back(store_recipe(original, recipe, folder));
  return stored;
}

std::vector<ResultRow> measure_stored(const std::vector<StoredVariant>& variants,
                                      const DataPart& test, const std::filesystem::path& folder) {
  std::vector<VariantFile> files;
  files.reserve(variants.size());
  for (const StoredVariant& variant : variants) files.push_back({variant.name, variant.file});
  std::vector<ResultRow> rows = measure_variants(files, test.examples);
  for (ResultRow& row : rows) row.file = std::filesystem::proximate(row.file, folder).string();
  return rows;
}

}  // namespace nibble
