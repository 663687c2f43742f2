// The two 16-bit floats: f16 (IEEE 754 binary16) and bf16 (the upper half of a float32).
//
//         sign exponent fraction   smallest > 0            largest       relative error at most
//   f16    1      5        10      2^-24 = 5.96e-8         65504         2^-11 = 4.9e-4 (from
//   2^-14) bf16   1      8         7      2^-133 = 9.2e-41        3.39e38       2^-8  = 3.9e-3
//   (from 2^-126)
//
// 16 bits per weight, no scales. Trained weights lie between about 1e-6 and 10, where f16 has eight
// times the precision of bf16; bf16 has float32's range, never overflows, and widens by a shift.
// Both round to nearest, ties to even, keep subnormals, infinities and the sign of zero. Rounding
// to nearest even instead of cutting the bits off: cutting doubles the largest error and biases
// every weight towards zero.
// NaN stays NaN: the upper payload bits are kept and the quiet bit set, as x86's F16C does. So
// f16 codes and their bits agree with vcvtps2ph and vcvtph2ps; bf16 agrees with vcvtneps2bf16 but
// for float32 subnormals, which that instruction flushes to zero and this code keeps.
#pragma once

#include <cstdint>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_matrix.h"

namespace nibble {

inline constexpr float kLargestF16 = 65504.0F;
inline constexpr float kLargestBf16 = 0x1.FEp127F;

// Magnitudes from 65520 on become infinity.
std::uint16_t f16_from_float(float value);
float float_from_f16(std::uint16_t code);
// The nearest float16 number, its ends at kLargestF16.
float rounded_to_f16(float value);
// A scale: with its ends at kLargestF16 and, so that nothing divides by zero, 2^-24.
std::uint16_t f16_scale(float scale);

std::uint16_t bf16_from_float(float value);
float float_from_bf16(std::uint16_t code);

struct F16Matrix {
  SharedMatrix<std::uint16_t> codes;  // [inputs][outputs]
  friend bool operator==(const F16Matrix&, const F16Matrix&) = default;
};

struct Bf16Matrix {
  SharedMatrix<std::uint16_t> codes;  // [inputs][outputs]
  friend bool operator==(const Bf16Matrix&, const Bf16Matrix&) = default;
};

// Weights [inputs][outputs], finite.
F16Matrix encode_f16(const Matrix<float>& weight);
Matrix<float> decode(const F16Matrix& matrix);

Bf16Matrix encode_bf16(const Matrix<float>& weight);
Matrix<float> decode(const Bf16Matrix& matrix);

}  // namespace nibble
