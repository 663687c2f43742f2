#include "nibble/kernels/packed.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

// Calls visit(position, output) for every output of every panel, `position` counting the outputs of
// row `row` of a matrix with `rows` rows, packed [panel][row][output].
template <typename Shape, typename Visit>
void for_each_output(const Shape& shape, std::size_t outputs, std::size_t rows, std::size_t row,
                     Visit visit) {
  for (std::size_t output = 0; output < outputs; ++output) {
    const std::size_t p = output / kPanelWidth;
    visit(p * kPanelWidth * rows + row * shape.width(p) + output % kPanelWidth, output);
  }
}
template <typename Visit>
void for_each_output(const PanelShape& shape, std::size_t rows, std::size_t row, Visit visit) {
  for_each_output(shape, shape.outputs, rows, row, visit);
}

void pack_int4_input(const Int4Source& source, std::size_t input, Int4Panels& packed) {
  const std::size_t quad = input / 4;
  for (std::size_t output = 0; output < source.outputs; ++output) {
    const std::size_t p = output / kPanelWidth;
    const std::size_t in_panel = output % kPanelWidth;
    const std::size_t pairs =
        quad * packed.width(p) / Int4Panels::kPair + in_panel / Int4Panels::kPair;
    std::uint8_t& byte = packed.codes[packed.scale_offset(p) * 16 +
                                      (pairs * kStripWidth + output % kStripWidth) * 4 + input % 4];
    // An empty byte is 0x08: both codes zero.
    const unsigned flip = source.nibble(input, output) ^ 8U;
    byte ^= static_cast<std::uint8_t>(output / kStripWidth % 2 == 0 ? flip : flip << 4U);
  }
}

std::int16_t sum_of_group(const Int4Source& source, std::size_t group, std::size_t output) {
  int sum = 0;
  const std::size_t end = std::min(source.inputs, (group + 1) * kGroup);
  for (std::size_t i = group * kGroup; i < end; ++i) sum += source.nibble(i, output) - 8;
  return static_cast<std::int16_t>(sum);
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
    for_each_output(packed.shape, packed.pair_rows(), i / 2, [&](std::size_t at, std::size_t o) {
      packed.pairs[at] |= static_cast<std::uint32_t>(codes.row(i)[o]) << shift;
    });
  }
  return packed;
}

Int8Panels pack_int8_panels(const WeightView<std::int8_t>& codes, std::span<const float> scales) {
  Int8Panels packed{{codes.inputs, codes.outputs}, {}, padded(scales), {}};
  packed.column_sums.resize(padded_outputs(codes.outputs));
  packed.codes.resize(packed.quad_rows() * 4 * packed.shape.packed_outputs());
  for (std::size_t i = 0; i < codes.inputs; ++i) {
    for_each_output(packed.shape, packed.quad_rows(), i / 4, [&](std::size_t at, std::size_t o) {
      packed.codes[at * 4 + i % 4] = codes.row(i)[o];
      packed.column_sums[o] += codes.row(i)[o];
    });
  }
  return packed;
}

Int4Panels pack_int4_panels(const Int4Source& source, bool with_group_sums) {
  Int4Panels packed{{source.inputs, source.outputs}, {}, {}, {}};
  const std::size_t scales = packed.groups() * packed.packed_outputs();
  packed.codes.assign(scales * 16, 0x08);
  packed.scales.resize(scales);
  packed.group_sums.resize(with_group_sums ? scales : 0);
  for (std::size_t i = 0; i < source.inputs; ++i) pack_int4_input(source, i, packed);
  for (std::size_t g = 0; g < packed.groups(); ++g) {
    for_each_output(packed, source.outputs, packed.groups(), g, [&](std::size_t at, std::size_t o) {
      packed.scales[at] = source.scales[g * source.outputs + o];
      if (with_group_sums) packed.group_sums[at] = sum_of_group(source, g, o);
    });
  }
  return packed;
}

Int4Gathered pack_int4_gathered(const Int4Source& source) {
  Int4Gathered packed{source.inputs, source.outputs, {}, {}};
  packed.codes.assign(source.inputs * packed.blocks() * 16, 0x88888888U);
  packed.scales.resize(source.inputs * packed.blocks() * 4);
  const std::size_t groups = (source.outputs + kGroup - 1) / kGroup;
  for (std::size_t i = 0; i < source.inputs; ++i) {
    std::uint32_t* row = packed.codes.data() + i * packed.blocks() * 16;
    for (std::size_t o = 0; o < source.outputs; ++o) {
      const auto shift = static_cast<unsigned>(o % Int4Gathered::kBlock / 16 * 4);
      const std::uint32_t flip = source.nibble(i, o) ^ 8U;
      row[o / Int4Gathered::kBlock * 16 + o % 16] ^= flip << shift;
    }
    std::copy_n(source.scales + i * groups, groups, packed.scales.data() + i * packed.blocks() * 4);
  }
  return packed;
}

}  // namespace nibble
