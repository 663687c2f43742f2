#include "nibble/quant/code_kind.h"

#include <algorithm>
#include <cassert>

namespace nibble {
namespace {

constexpr std::array<std::string_view, kCodeKinds.size()> kNames = {
    "1bit", "ternary", "int2", "int3", "int4", "int5", "int6", "int7", "int8", "nf4", "fp8"};

constexpr std::size_t kTritsPerByte = 5;
constexpr std::array<unsigned, kTritsPerByte> kPowersOfThree = {1, 3, 9, 27, 81};

unsigned whole_bits(CodeKind kind) {
  switch (kind) {
    case CodeKind::kBinary:
      return 1;
    case CodeKind::kNf4:
      return 4;
    case CodeKind::kFp8:
      return 8;
    default:
      return integer_bits(kind);
  }
}

AlignedVector<std::uint8_t> pack_trits(std::span<const std::uint8_t> codes) {
  AlignedVector<std::uint8_t> bytes(packed_bytes(CodeKind::kTernary, codes.size()));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const unsigned part = codes[i] * kPowersOfThree[i % kTritsPerByte];
    bytes[i / kTritsPerByte] = static_cast<std::uint8_t>(bytes[i / kTritsPerByte] + part);
  }
  return bytes;
}

}  // namespace

std::string_view name_of(CodeKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<CodeKind> code_kind_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return kCodeKinds[static_cast<std::size_t>(found - kNames.begin())];
}

bool is_integer(CodeKind kind) { return kind >= CodeKind::kInt2 && kind <= CodeKind::kInt8; }

unsigned integer_bits(CodeKind kind) {
  assert(is_integer(kind));
  return static_cast<unsigned>(kind) - static_cast<unsigned>(CodeKind::kInt2) + 2;
}

double bits_per_code(CodeKind kind) {
  return kind == CodeKind::kTernary ? 8.0 / kTritsPerByte : whole_bits(kind);
}

std::size_t code_limit(CodeKind kind) {
  return kind == CodeKind::kTernary ? 3 : std::size_t{1} << whole_bits(kind);
}

std::size_t packed_bytes(CodeKind kind, std::size_t count) {
  if (kind == CodeKind::kTernary)
    return count / kTritsPerByte + (count % kTritsPerByte != 0 ? 1 : 0);
  const unsigned bits = whole_bits(kind);
  return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

AlignedVector<std::uint8_t> pack_codes(CodeKind kind, std::span<const std::uint8_t> codes) {
  if (kind == CodeKind::kTernary) return pack_trits(codes);
  const unsigned bits = whole_bits(kind);
  AlignedVector<std::uint8_t> bytes(packed_bytes(kind, codes.size()));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t bit = i * bits;
    const unsigned shifted = static_cast<unsigned>(codes[i]) << (bit % 8);
    bytes[bit / 8] |= static_cast<std::uint8_t>(shifted);
    if (shifted > 0xFF) bytes[bit / 8 + 1] |= static_cast<std::uint8_t>(shifted >> 8);
  }
  return bytes;
}

AlignedVector<std::uint8_t> unpack_codes(CodeKind kind, std::span<const std::uint8_t> bytes,
                                         std::size_t count) {
  assert(bytes.size() == packed_bytes(kind, count));
  AlignedVector<std::uint8_t> codes(count);
  if (kind == CodeKind::kTernary) {
    for (std::size_t i = 0; i < count; ++i)
      codes[i] = static_cast<std::uint8_t>(bytes[i / kTritsPerByte] /
                                           kPowersOfThree[i % kTritsPerByte] % 3);
    return codes;
  }
  const unsigned bits = whole_bits(kind);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bit = i * bits;
    unsigned word = bytes[bit / 8];
    if (bit % 8 + bits > 8) word |= static_cast<unsigned>(bytes[bit / 8 + 1]) << 8;
    codes[i] = static_cast<std::uint8_t>(word >> (bit % 8) & ((1U << bits) - 1));
  }
  return codes;
}

}  // namespace nibble
