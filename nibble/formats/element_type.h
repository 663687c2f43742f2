// The number types that tensors in files can have, under the names safetensors gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nibble {

enum class ElementType : std::uint8_t {
  kBool,
  kU8,
  kI8,
  kF8E5M2,
  kF8E4M3,
  kI16,
  kU16,
  kF16,
  kBf16,
  kI32,
  kU32,
  kF32,
  kI64,
  kU64,
  kF64
};

std::string_view name_of(ElementType type);  // "BOOL", "U8", ..., "F64"
std::size_t bytes_of(ElementType type);      // of one element, 1 to 8
std::optional<ElementType> element_type_named(std::string_view name);

// first * second, or nothing when that is 2^64 or more. Sizes in files can be anything.
std::optional<std::uint64_t> checked_product(std::uint64_t first, std::uint64_t second);
// first + second, or nothing when that is 2^64 or more.
std::optional<std::uint64_t> checked_sum(std::uint64_t first, std::uint64_t second);

}  // namespace nibble
