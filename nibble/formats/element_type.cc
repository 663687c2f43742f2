#include "nibble/formats/element_type.h"

#include <algorithm>
#include <array>

namespace nibble {
namespace {

struct Description {
  ElementType type;
  std::string_view name;
  std::size_t bytes;
};

// In the order of the enumeration.
constexpr std::array kDescriptions = {Description{ElementType::kBool, "BOOL", 1},
                                      Description{ElementType::kU8, "U8", 1},
                                      Description{ElementType::kI8, "I8", 1},
                                      Description{ElementType::kF8E5M2, "F8_E5M2", 1},
                                      Description{ElementType::kF8E4M3, "F8_E4M3", 1},
                                      Description{ElementType::kI16, "I16", 2},
                                      Description{ElementType::kU16, "U16", 2},
                                      Description{ElementType::kF16, "F16", 2},
                                      Description{ElementType::kBf16, "BF16", 2},
                                      Description{ElementType::kI32, "I32", 4},
                                      Description{ElementType::kU32, "U32", 4},
                                      Description{ElementType::kF32, "F32", 4},
                                      Description{ElementType::kI64, "I64", 8},
                                      Description{ElementType::kU64, "U64", 8},
                                      Description{ElementType::kF64, "F64", 8}};

const Description& description_of(ElementType type) {
  return kDescriptions[static_cast<std::size_t>(type)];
}

}  // namespace

std::string_view name_of(ElementType type) { return description_of(type).name; }

std::size_t bytes_of(ElementType type) { return description_of(type).bytes; }

std::optional<ElementType> element_type_named(std::string_view name) {
  const auto* found = std::ranges::find(kDescriptions, name, &Description::name);
  if (found == kDescriptions.end()) return std::nullopt;
  return found->type;
}

std::optional<std::uint64_t> checked_product(std::uint64_t first, std::uint64_t second) {
  if (first != 0 && second > UINT64_MAX / first) return std::nullopt;
  return first * second;
}

std::optional<std::uint64_t> checked_sum(std::uint64_t first, std::uint64_t second) {
  if (second > UINT64_MAX - first) return std::nullopt;
  return first + second;
}

}  // namespace nibble
