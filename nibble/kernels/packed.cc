#include "nibble/kernels/packed.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace nibble {
namespace {

template <typename T>
Panels<T> pack_panels(const WeightView<T>& weights) {
  Panels<T> packed{{weights.inputs, weights.outputs}, {}};
  packed.weights.resize(weights.inputs * packed.shape.packed_outputs());
  T* out = packed.weights.data();
  for (std::size_t p = 0; p < packed.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const std::size_t count = std::min(kPanelWidth, weights.outputs - first);
    for (std::size_t i = 0; i < weights.inputs; ++i, out += packed.shape.width(p))
      std::copy_n(weights.row(i) + first, count, out);
  }
  return packed;
}

// Calls visit(position, first output, count) for every panel's part of a row of outputs; `position`
// counts the outputs of row `row` of a matrix with `rows` rows, packed [panel][row][output].
template <typename Shape, typename Visit>
void for_each_part(const Shape& shape, std::size_t outputs, std::size_t rows, std::size_t row,
                   Visit visit) {
  for (std::size_t first = 0, p = 0; first < outputs; first += kPanelWidth, ++p)
    visit(first * rows + row * shape.width(p), first, std::min(kPanelWidth, outputs - first));
}

// One input's nibbles of one panel. `pairs`: where the input's quad begins.
void pack_int4_part(const Int4Source& source, std::size_t input, std::size_t first,
                    std::size_t count, std::uint8_t* pairs) {
  for (std::size_t c = 0; c < count; ++c) {
    const std::size_t at = (c / Int4Panels::kPair * kStripWidth + c % kStripWidth) * 4 + input % 4;
    // An empty byte is 0x08: both codes zero.
    const unsigned flip = source.nibble(input, first + c) ^ 8U;
    pairs[at] ^= static_cast<std::uint8_t>(c / kStripWidth % 2 == 0 ? flip : flip << 4U);
  }
}

// Of all inputs of `group`.
std::int16_t sum_of_codes(const Int4Source& group, std::size_t output) {
  int sum = 0;
  for (std::size_t i = 0; i < group.inputs; ++i) sum += group.nibble(i, output) - 8;
  return static_cast<std::int16_t>(sum);
}

// Moved to float32's place, float16's bits are the value over 2^112, subnormals and all;
// infinities, which nobody stores, become 2^16.
float float_from_half(std::uint16_t code) {
  const float magnitude = std::bit_cast<float>((code & 0x7FFFU) << 13U) * 0x1p112F;
  return (code & 0x8000U) == 0 ? magnitude : -magnitude;
}

void widen_scales(Int4Panels& packed) {
  constexpr std::size_t kMostBytes = std::size_t{256} << 10;  // half of the smallest L2 in use
  if (packed.codes.size() > kMostBytes) return;
  packed.wide_scales.resize(packed.scales.size());
  for (std::size_t i = 0; i < packed.scales.size(); ++i) {
    const bool in_second_strip = i / kStripWidth % 2 == 1;  // widths are multiples of a pair
    packed.wide_scales[i] = float_from_half(packed.scales[i]) * (in_second_strip ? 1 / 16.0F : 1);
  }
}

// Calls visit(first input, part) with kGroup inputs at a time, whose codes do not lie in a mapped
// file: a model's file and its packed form are never in memory together. Larger pieces are slower:
// 8 KB of the reference model's stay in L1.
template <typename Visit>
void for_each_group(const Int4Source& source, Visit visit) {
  AlignedVector<std::uint8_t> read(source.file == nullptr ? 0 : kGroup * source.row_bytes());
  for (std::size_t first = 0; first < source.inputs; first += kGroup) {
    Int4Source part = source;
    part.inputs = std::min(kGroup, source.inputs - first);
    part.codes += first * source.row_bytes();
    if (source.file != nullptr) {
      const std::span codes(part.codes, part.inputs * source.row_bytes());
      copy_from_file(source.file, std::as_bytes(codes), read.data());
      part.codes = read.data();
    }
    visit(first, part);
  }
}

// 128 nibbles in order to words whose nibble k is number 16k+j. Byte m of word 2t takes the low
// nibbles of bytes 16m+t and 16m+8+t, that of word 2t+1 their high ones. Eight bytes at a time,
// then the bytes to their words: loading an int4 model is mostly this.
void transpose_block(const std::uint8_t* bytes, std::uint32_t* words) {
  constexpr std::uint64_t kLow = 0x0F0F0F0F0F0F0F0F;
  std::array<std::uint8_t, 32> even{};  // [m][t]
  std::array<std::uint8_t, 32> odd{};
  for (std::size_t m = 0; m < 4; ++m) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::memcpy(&a, bytes + 16 * m, sizeof(a));
    std::memcpy(&b, bytes + 16 * m + 8, sizeof(b));
    const std::uint64_t low = (a & kLow) | (b & kLow) << 4U;
    const std::uint64_t high = (a >> 4U & kLow) | (b & ~kLow);
    std::memcpy(even.data() + 8 * m, &low, sizeof(low));
    std::memcpy(odd.data() + 8 * m, &high, sizeof(high));
  }
  const auto word = [](const std::array<std::uint8_t, 32>& from, std::size_t t) {
    return static_cast<std::uint32_t>(from[t]) | static_cast<std::uint32_t>(from[8 + t]) << 8U |
           static_cast<std::uint32_t>(from[16 + t]) << 16U |
           static_cast<std::uint32_t>(from[24 + t]) << 24U;
  };
  for (std::size_t t = 0; t < 8; ++t) {
    words[2 * t] = word(even, t);
    words[2 * t + 1] = word(odd, t);
  }
}

// One input's codes, 64 bytes of them at a time.
void gather_int4_row(std::span<const std::uint8_t> row, std::uint32_t* to) {
  for (; row.size() >= 64; row = row.subspan(64), to += 16) transpose_block(row.data(), to);
  if (row.empty()) return;
  std::array<std::uint8_t, 64> block{};
  block.fill(0x88);
  std::ranges::copy(row, block.begin());
  transpose_block(block.data(), to);
}

void pack_int4_group(const Int4Source& group, std::size_t first_input, Int4Panels& packed) {
  for (std::size_t i = 0; i < group.inputs; ++i) {
    for_each_part(packed, group.outputs, packed.groups() * 8, (first_input + i) / 4,
                  [&](std::size_t at, std::size_t first, std::size_t count) {
                    pack_int4_part(group, i, first, count, packed.codes.data() + at * 2);
                  });
  }
}

}  // namespace

AlignedVector<float> padded(std::span<const float> values) {
  AlignedVector<float> result(padded_outputs(values.size()));
  std::ranges::copy(values, result.begin());
  return result;
}

F32Panels pack_f32_panels(const WeightView<float>& weights) { return pack_panels(weights); }

F16Panels pack_f16_panels(const WeightView<std::uint16_t>& codes) { return pack_panels(codes); }

Bf16Panels pack_bf16_panels(const WeightView<std::uint16_t>& codes) {
  Bf16Panels packed{{codes.inputs, codes.outputs}, {}};
  packed.pairs.resize(packed.pair_rows() * packed.shape.packed_outputs());
  for (std::size_t i = 0; i < codes.inputs; ++i) {
    const unsigned shift = i % 2 == 0 ? 16U : 0U;
    for_each_part(packed.shape, codes.outputs, packed.pair_rows(), i / 2,
                  [&](std::size_t at, std::size_t first, std::size_t count) {
                    const std::uint16_t* from = codes.row(i) + first;
                    for (std::size_t c = 0; c < count; ++c)
                      packed.pairs[at + c] |= static_cast<std::uint32_t>(from[c]) << shift;
                  });
  }
  return packed;
}

Int8Panels pack_int8_panels(const WeightView<std::int8_t>& codes, std::span<const float> scales) {
  Int8Panels packed{{codes.inputs, codes.outputs}, {}, padded(scales), {}};
  packed.column_sums.resize(padded_outputs(codes.outputs));
  packed.codes.resize(packed.quad_rows() * 4 * packed.shape.packed_outputs());
  for (std::size_t i = 0; i < codes.inputs; ++i) {
    for (std::size_t o = 0; o < codes.outputs; ++o) packed.column_sums[o] += codes.row(i)[o];
    for_each_part(packed.shape, codes.outputs, packed.quad_rows(), i / 4,
                  [&](std::size_t at, std::size_t first, std::size_t count) {
                    const std::int8_t* from = codes.row(i) + first;
                    std::int8_t* to = packed.codes.data() + at * 4 + i % 4;
                    for (std::size_t c = 0; c < count; ++c) to[c * 4] = from[c];
                  });
  }
  return packed;
}

Int4Panels pack_int4_panels(const Int4Source& source, bool with_group_sums) {
  Int4Panels packed{{source.inputs, source.outputs}, {}, {}, {}, {}};
  const std::size_t scales = packed.groups() * packed.packed_outputs();
  packed.codes.assign(scales * 16, 0x08);
  packed.scales.resize(scales);
  packed.group_sums.resize(with_group_sums ? scales : 0);
  for_each_group(source, [&](std::size_t first_input, const Int4Source& part) {
    pack_int4_group(part, first_input, packed);
    const std::size_t g = first_input / kGroup;
    for_each_part(packed, source.outputs, packed.groups(), g,
                  [&](std::size_t at, std::size_t first, std::size_t count) {
                    const std::uint16_t* from = source.scales + g * source.outputs + first;
                    std::copy_n(from, count, packed.scales.data() + at);
                    for (std::size_t c = 0; with_group_sums && c < count; ++c)
                      packed.group_sums[at + c] = sum_of_codes(part, first + c);
                  });
  });
  widen_scales(packed);
  return packed;
}

Int4Gathered pack_int4_gathered(const Int4Source& source) {
  Int4Gathered packed{source.inputs, source.outputs, {}, {}};
  packed.codes.resize(source.inputs * packed.blocks() * 16);
  packed.scales.resize(source.inputs * packed.blocks() * 4);
  const std::size_t groups = (source.outputs + kGroup - 1) / kGroup;
  for_each_group(source, [&](std::size_t first, const Int4Source& part) {
    for (std::size_t i = 0; i < part.inputs; ++i)
      gather_int4_row({part.codes + i * part.row_bytes(), part.row_bytes()},
                      packed.codes.data() + (first + i) * packed.blocks() * 16);
  });
  for (std::size_t i = 0; i < source.inputs; ++i)
    std::copy_n(source.scales + i * groups, groups, packed.scales.data() + i * packed.blocks() * 4);
  return packed;
}

}  // namespace nibble
