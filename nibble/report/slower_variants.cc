#include "nibble/report/slower_variants.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "nibble/report/variant_summary.h"

namespace nibble {
namespace {

constexpr double kSame = 1.03;  // times Original's time

bool has_few_instructions(std::string_view level) {
  constexpr std::array<std::string_view, 3> kOld = {"scalar", "ssse3", "sse4"};
  return std::ranges::find(kOld, level) != kOld.end();
}

// Nothing where no reason is known.
std::string why_narrow_floats(std::size_t batch, std::string_view level) {
  if (has_few_instructions(level))
    return fmt::format("level {} widens 16-bit weights slowly", level);
  if (batch > 1) return "its weights are widened to float32 and then cost the same multiplications";
  return "";
}

std::string why_integers(std::string_view level) {
  if (has_few_instructions(level)) return fmt::format("level {} has no byte dot product", level);
  if (level == "avx2") return "level avx2 builds its byte dot product from 16-bit ones";
  return "";
}

std::string why_slower(Scheme scheme, std::size_t batch, std::string_view level) {
  switch (scheme) {
    case Scheme::kF16:
    case Scheme::kBf16:
      return why_narrow_floats(batch, level);
    case Scheme::kInt8:
    case Scheme::kInt8Torch:
      return why_integers(level);
    case Scheme::kInt4:
      if (std::string why = why_integers(level); !why.empty()) return why;
      return "unpacking its codes costs more here than reading half the bytes saves";
    case Scheme::kMixed:
      return "some of its layers run as other encodings (docs/quantization.md)";
    case Scheme::kF32:
      break;
  }
  return "";
}

std::string note(const VariantSummary& variant, std::size_t batch, double times,
                 std::string_view level) {
  const std::string why = why_slower(variant.scheme, batch, level);
  return fmt::format("{} was slower than Original at batch {}: {:.2f} times its time{}{}.",
                     variant.name, batch, times, why.empty() ? "" : "; ", why);
}

}  // namespace

std::vector<std::string> slower_variant_notes(const StudyResult& result) {
  const std::vector<VariantSummary> variants = summarise(result);
  const VariantSummary& original = variants.front();
  std::vector<std::string> notes;
  for (const VariantSummary& variant : variants) {
    const double one_row = variant.latency_ms / original.latency_ms;
    const double many_rows = original.rows_per_second / variant.rows_per_second;
    if (one_row > kSame) notes.push_back(note(variant, 1, one_row, result.machine.cpu_level));
    if (many_rows > kSame) notes.push_back(note(variant, 256, many_rows, result.machine.cpu_level));
  }
  return notes;
}

}  // namespace nibble
