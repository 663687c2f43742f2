// int4: 4-bit codes in groups of 32 weights, each group with a float16 scale. What `--scheme int4`
// stores.
//
//   w^[i][o] = f16(scale of its group) * code,  code -8..7, stored as the nibble code + 8
//
// The scale may be negative: that puts code -8 on the side where the group's weights reach further.
// Per group the encoder looks for the scale with the smallest squared error (int4.cc); the codes
// are chosen for the float16 scale that is stored, not for the float32 one it came from.
//
// Layout: codes [inputs][ceil(outputs/2)] bytes, output 2j in the low nibble of byte j, output 2j+1
// in the high one; an unused high nibble holds 8 (zero). Scales are float16 bit patterns:
//   kOutputs: [inputs][ceil(outputs/32)], kInputs: [ceil(inputs/32)][outputs].
// The last group of a line may be shorter than 32. Bits per weight: 4 + 16/32 = 4.5 when all groups
// are whole.
//
// A scale is at least 2^-24 in magnitude, float16's smallest: a group of zeros has that and codes
// 0. Weights below 2^-25 so become zero, and below about 1e-3, where scales turn subnormal, the
// scale loses precision. Largest weight that can be encoded: kLargestInt4.
//
// Why not the alternatives: ggml's Q4_0 has this layout but takes the scale from the largest weight
// alone (signed absmax / -8): its squared error is 1.13 times ours on normally distributed weights
// and 1.22 times on uniform ones; absmax / 7 with a positive scale gives 1.45 and 1.34 times. A
// zero point for each group (Q4_1) costs another half bit per weight and gains little on weights
// centred on zero. Groups of 64 save a quarter bit and cost accuracy. float32 scales cost half a
// bit and gain nothing: float16 places a scale to 1 part in 2048.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_matrix.h"
#include "nibble/quant/half.h"

namespace nibble {

inline constexpr std::size_t kInt4Group = 32;
// 7 steps of the largest float16.
inline constexpr float kLargestInt4 = 7.0F * kLargestF16;

// Which way the 32 weights of a group lie.
//   kOutputs: 32 neighbouring outputs of one input. For a first layer fed with sparse rows: a
//             gathered row brings its own few scales with it.
//   kInputs:  32 neighbouring inputs of one output, as ggml's Q4_0 and ONNX's MatMulNBits group a
//             dot product.
enum class GroupAxis : std::uint8_t { kOutputs, kInputs };

struct Int4Matrix {
  std::size_t outputs = 0;
  GroupAxis axis = GroupAxis::kInputs;
  SharedMatrix<std::uint8_t> codes;    // [inputs][ceil(outputs/2)]
  SharedMatrix<std::uint16_t> scales;  // float16; shape by axis, above
  friend bool operator==(const Int4Matrix&, const Int4Matrix&) = default;
};

// Weights [inputs][outputs], at most kLargestInt4 in magnitude. The same bits on every machine.
Int4Matrix encode_int4(const Matrix<float>& weight, GroupAxis axis);
Matrix<float> decode(const Int4Matrix& matrix);

// The codes -8..7, unpacked: [inputs][outputs].
Matrix<std::int8_t> codes_of(const Int4Matrix& matrix);
// The scales as float32, in the shape they are stored in.
Matrix<float> scales_of(const Int4Matrix& matrix);

}  // namespace nibble
