// Weight matrices as the kernels read them. Packing is done once, when a network is prepared; it
// does not depend on the CPU level.
//
// Two layouts. A gathered matrix keeps one input's weights together, for a first layer fed with
// sparse rows: a row of the batch is the sum of the few matrix rows that belong to its non-zeros.
// Panels are for dense rows: 64 outputs side by side, inputs running downward, so that a kernel
// reads its weights once, from the first byte to the last.
//
// Sizes: I inputs, O outputs. Panel p holds outputs 64p .. 64p+63; the last one is narrower, a
// multiple of 16. Whatever pads a matrix encodes zero. Bias and scales are padded with zeros to a
// multiple of 64, and a kernel may write a row of outputs up to that multiple.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_file.h"
#include "nibble/core/shared_matrix.h"

namespace nibble {

inline constexpr std::size_t kPanelWidth = 64;
inline constexpr std::size_t kStripWidth = 16;  // one 512-bit vector of float32

constexpr std::size_t round_up(std::size_t count, std::size_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

// Outputs of one row with the padding that kernels may write.
constexpr std::size_t padded_outputs(std::size_t outputs) { return round_up(outputs, kPanelWidth); }
// values, then zeros up to padded_outputs(values.size())
AlignedVector<float> padded(std::span<const float> values);

struct PanelShape {
  std::size_t inputs = 0;
  std::size_t outputs = 0;

  std::size_t packed_outputs() const { return round_up(outputs, kStripWidth); }
  std::size_t panels() const { return (outputs + kPanelWidth - 1) / kPanelWidth; }
  std::size_t width(std::size_t panel) const {
    return std::min(kPanelWidth, packed_outputs() - panel * kPanelWidth);
  }
};

// [panel][input][output]
template <typename T>
struct Panels {
  PanelShape shape;
  AlignedVector<T> weights;
  const T* panel(std::size_t index) const {
    return weights.data() + index * kPanelWidth * shape.inputs;
  }
};
using F32Panels = Panels<float>;
using F16Panels = Panels<std::uint16_t>;

// [panel][ceil(input/2)][output], two inputs in a word: the even one in the upper half. VDPBF16PS
// adds the upper product first, so a dot product still runs over ascending inputs.
struct Bf16Panels {
  PanelShape shape;
  AlignedVector<std::uint32_t> pairs;
  std::size_t pair_rows() const { return (shape.inputs + 1) / 2; }
  const std::uint32_t* panel(std::size_t index) const {
    return pairs.data() + index * kPanelWidth * pair_rows();
  }
};

// [panel][ceil(input/4)][output][input%4]: the order VPDPBUSD multiplies in.
struct Int8Panels {
  PanelShape shape;
  AlignedVector<std::int8_t> codes;
  AlignedVector<float> scales;              // [padded_outputs]
  AlignedVector<std::int32_t> column_sums;  // [padded_outputs], sum of an output's codes
  std::size_t quad_rows() const { return (shape.inputs + 3) / 4; }
  const std::int8_t* panel(std::size_t index) const {
    return codes.data() + index * kPanelWidth * quad_rows() * 4;
  }
};

inline constexpr std::size_t kGroup = 32;  // weights under one scale

// int4 with a scale for each 32 inputs of one output. Outputs come in pairs of strips, so panels
// are a multiple of 32 wide.
// codes: [panel][group][8 quads][pair of strips][16][4]. A byte holds one input's codes for output
//   j of the pair's first strip (low nibble, code + 8) and output j of its second strip (high
//   nibble, two's complement). As a signed byte it is 16 high + low: its dot product with the
//   inputs, less that of the low nibbles, is 16 times that of the high ones, and the high nibbles
//   need neither a mask nor a shift.
// scales: [panel][group][output], float16.
// wide_scales: the same in float32, those of second strips over 16; empty for a matrix that may not
//   fit in L2. Nothing is converted then, and a kernel may leave its sums of high nibbles 16 times
//   as large: divided by a power of two, products round to the same bits. A row times 512 x 256
//   takes 5 % less time on Emerald Rapids; from L3, with 11 % more bytes, 20 % more.
// group_sums: as scales; the sum of the group's codes. Only wanted for inputs that can be negative.
struct Int4Panels {
  static constexpr std::size_t kPair = 2 * kStripWidth;
  PanelShape shape;
  AlignedVector<std::uint8_t> codes;
  AlignedVector<std::uint16_t> scales;
  AlignedVector<float> wide_scales;
  AlignedVector<std::int16_t> group_sums;
  std::size_t groups() const { return (shape.inputs + kGroup - 1) / kGroup; }
  std::size_t packed_outputs() const { return round_up(shape.outputs, kPair); }
  std::size_t width(std::size_t panel) const {
    return std::min(kPanelWidth, packed_outputs() - panel * kPanelWidth);
  }
  // Offset of a panel in scales; 16 times that in codes.
  std::size_t scale_offset(std::size_t panel) const { return panel * kPanelWidth * groups(); }
};

// Brings the bytes into L2 (locality 2 is PREFETCHT1), not into L1: other work runs first. Every
// second line is asked for; its neighbour comes along on CPUs whose L2 fetches lines in pairs, and
// the asking costs half.
inline void prefetch_bytes(const void* from, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 2 * kCacheLine)
    __builtin_prefetch(static_cast<const char*>(from) + at, 0, 2);
}

// [input][stride], stride a multiple of 64 bytes and of padded_outputs.
template <typename T>
struct Gathered {
  std::size_t outputs = 0;
  SharedMatrix<T> weights;  // begins at a multiple of 64 bytes
  std::size_t stride() const { return weights.columns; }
  const T* row(std::size_t input) const { return weights.values.data() + input * stride(); }
  // Asks for an input's weights to be brought into L2.
  void prefetch(std::size_t input) const { prefetch_bytes(row(input), stride() * sizeof(T)); }
};

// int4 with a scale for each 32 outputs of one input.
// codes: [input][block of 128 outputs][word j = 0..15]; nibble k of a word is output 16k+j, stored
//   as code + 8: a shift brings sixteen neighbouring outputs into the low nibbles.
// scales: [input][4 * blocks], float16.
struct Int4Gathered {
  static constexpr std::size_t kBlock = 128;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  AlignedVector<std::uint32_t> codes;
  AlignedVector<std::uint16_t> scales;
  std::size_t blocks() const { return (outputs + kBlock - 1) / kBlock; }
  const std::uint32_t* row(std::size_t input) const { return codes.data() + input * blocks() * 16; }
  const std::uint16_t* row_scales(std::size_t input) const {
    return scales.data() + input * blocks() * 4;
  }
  void prefetch(std::size_t input) const {
    prefetch_bytes(row(input), blocks() * 64);
    prefetch_bytes(row_scales(input), blocks() * 8);
  }
};

// Weights [inputs][outputs] to be packed; `stride` elements from one input to the next.
template <typename T>
struct WeightView {
  const T* values = nullptr;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t stride = 0;
  const T* row(std::size_t input) const { return values + input * stride; }
};
template <typename T>
WeightView<T> view_of(const Matrix<T>& weights) {
  return {weights.values.data(), weights.rows, weights.columns, weights.columns};
}
template <typename T>
WeightView<T> view_of(const SharedMatrix<T>& weights) {
  return {weights.values.data(), weights.rows, weights.columns, weights.columns};
}
template <typename T>
WeightView<T> view_of(const Gathered<T>& weights) {
  return {weights.row(0), weights.weights.rows, weights.outputs, weights.stride()};
}

F32Panels pack_f32_panels(const WeightView<float>& weights);
F16Panels pack_f16_panels(const WeightView<std::uint16_t>& codes);
Bf16Panels pack_bf16_panels(const WeightView<std::uint16_t>& codes);
Int8Panels pack_int8_panels(const WeightView<std::int8_t>& codes, std::span<const float> scales);

// An int4 matrix as stored: output 2j in the low nibble of byte j of an input's ceil(outputs/2)
// bytes, output 2j+1 in the high one, each code + 8.
struct Int4Source {
  const std::uint8_t* codes = nullptr;
  const std::uint16_t* scales = nullptr;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  const MappedFile* file = nullptr;  // that the codes lie in: then they are read past its mapping
  std::size_t row_bytes() const { return (outputs + 1) / 2; }
  std::uint8_t nibble(std::size_t input, std::size_t output) const {
    const std::uint8_t byte = codes[input * row_bytes() + output / 2];
    return output % 2 == 0 ? byte & 15U : static_cast<std::uint8_t>(byte >> 4U);
  }
};
// scales [ceil(inputs/32)][outputs]
Int4Panels pack_int4_panels(const Int4Source& source, bool with_group_sums);
// scales [inputs][ceil(outputs/32)]
Int4Gathered pack_int4_gathered(const Int4Source& source);

// Shares the matrix as it is where its outputs and its place are multiples of 64, and copies it
// otherwise.
template <typename T>
Gathered<T> pack_gathered(SharedMatrix<T> weights) {
  const std::size_t outputs = weights.columns;
  const bool aligned = reinterpret_cast<std::uintptr_t>(weights.values.data()) % kCacheLine == 0;
  if (aligned && padded_outputs(outputs) == outputs) return {outputs, std::move(weights)};
  Matrix<T> copy(weights.rows, padded_outputs(outputs));
  for (std::size_t i = 0; i < weights.rows; ++i)
    std::ranges::copy(weights.row(i), copy.row(i).begin());
  return {outputs, std::move(copy)};
}
template <typename T>
Gathered<T> pack_gathered(Matrix<T> weights) {
  return pack_gathered(SharedMatrix<T>(std::move(weights)));
}

}  // namespace nibble
