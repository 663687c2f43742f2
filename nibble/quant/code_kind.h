// The codes that GroupedMatrix (grouped.h) can hold, by name, and how they lie in a file.
//
//   kind      header           levels                                bits
//   1bit      binary_code.h    -1, 1                                 1
//   ternary   integer_code.h   -1, 0, 1                              1.6: five in a byte
//   int2..8   integer_code.h   -2^(b-1) .. 2^(b-1) - 1               2..8
//   nf4       nf4.h            16 quantiles of a normal, in -1..1    4
//   fp8       fp8.h            e4m3: 0, +-2^-9 .. +-448              8
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "nibble/core/aligned.h"

namespace nibble {

enum class CodeKind : std::uint8_t {
  kBinary,
  kTernary,
  kInt2,
  kInt3,
  kInt4,
  kInt5,
  kInt6,
  kInt7,
  kInt8,
  kNf4,
  kFp8
};

inline constexpr std::array kCodeKinds = {CodeKind::kBinary, CodeKind::kTernary, CodeKind::kInt2,
                                          CodeKind::kInt3,   CodeKind::kInt4,    CodeKind::kInt5,
                                          CodeKind::kInt6,   CodeKind::kInt7,    CodeKind::kInt8,
                                          CodeKind::kNf4,    CodeKind::kFp8};

std::string_view name_of(CodeKind kind);
std::optional<CodeKind> code_kind_named(std::string_view name);

// Whether the levels are whole numbers next to each other.
bool is_integer(CodeKind kind);
// 2..8 for int2..int8. Not for others.
unsigned integer_bits(CodeKind kind);
double bits_per_code(CodeKind kind);
// Codes are below this.
std::size_t code_limit(CodeKind kind);

// Bytes that `count` codes take, and from codes (one in each byte) to those bytes and back. Whole
// bits lie in ascending order, the lowest bit of a code first; ternary codes 0..2 lie five in a
// byte, the first with factor 1, then 3, 9, 27, 81. What is left of the last byte is 0.
std::size_t packed_bytes(CodeKind kind, std::size_t count);
AlignedVector<std::uint8_t> pack_codes(CodeKind kind, std::span<const std::uint8_t> codes);
AlignedVector<std::uint8_t> unpack_codes(CodeKind kind, std::span<const std::uint8_t> bytes,
                                         std::size_t count);

}  // namespace nibble
