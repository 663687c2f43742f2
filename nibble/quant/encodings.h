// The encoded matrices, one type for each encoding: exactly what a model file stores. All are
// input-major, [inputs][outputs], as in network/mlp.h. w^ is the float32 value that a stored code
// stands for.
//
// | type            | code            | scale                                  | bits per weight |
// | F32Matrix       | float32         | none                                   | 32 | | F16Matrix
// | IEEE binary16   | none                                   | 16                     | |
// Bf16Matrix      | bfloat16        | none                                   | 16 | | Int8Matrix |
// -127..127       | float32 for each output                | 8 + 32/inputs          | |
// Int8TorchMatrix | -128..127       | one float32 (PyTorch's per-tensor)     | 8 | | Int4Matrix |
// -8..7, nibbles  | float16 for each group of 32           | 4.5 for whole groups   |
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "nibble/core/aligned.h"

namespace nibble {

using F32Matrix = Matrix<float>;

struct F16Matrix {
  Matrix<std::uint16_t> codes;
  friend bool operator==(const F16Matrix&, const F16Matrix&) = default;
};

struct Bf16Matrix {
  Matrix<std::uint16_t> codes;
  friend bool operator==(const Bf16Matrix&, const Bf16Matrix&) = default;
};

// w^[i][o] = scales[o] * codes[i][o]
struct Int8Matrix {
  Matrix<std::int8_t> codes;
  AlignedVector<float> scales;  // [outputs]
  friend bool operator==(const Int8Matrix&, const Int8Matrix&) = default;
};

// w^[i][o] = scale * codes[i][o]
struct Int8TorchMatrix {
  Matrix<std::int8_t> codes;
  float scale = 1.0F;
  friend bool operator==(const Int8TorchMatrix&, const Int8TorchMatrix&) = default;
};

inline constexpr std::size_t kInt4Group = 32;

// Which way the 32 weights of a group lie.
//   kOutputs: 32 neighbouring outputs of one input. For a first layer fed with sparse rows: a
//   gathered row brings its
//             own few scales with it.
//   kInputs:  32 neighbouring inputs of one output, as ggml's Q4_0 and ONNX's MatMulNBits group a
//   dot product.
enum class GroupAxis : std::uint8_t { kOutputs, kInputs };

// w^[i][o] = f16(scales[g][..]) * code, code = nibble - 8.
// codes: [inputs][(outputs + 1) / 2] bytes, output 2j in the low nibble of byte j, output 2j+1 in
// the high one; an
//   unused high nibble holds 8 (zero).
// scales: kOutputs -> [inputs][ceil(outputs/32)]; kInputs -> [ceil(inputs/32)][outputs]. float16
// bit patterns.
struct Int4Matrix {
  std::size_t outputs = 0;
  GroupAxis axis = GroupAxis::kInputs;
  Matrix<std::uint8_t> codes;
  Matrix<std::uint16_t> scales;
  friend bool operator==(const Int4Matrix&, const Int4Matrix&) = default;
};

using EncodedMatrix =
    std::variant<F32Matrix, F16Matrix, Bf16Matrix, Int8Matrix, Int8TorchMatrix, Int4Matrix>;

std::size_t input_count(const EncodedMatrix& matrix);
std::size_t output_count(const EncodedMatrix& matrix);
// Bytes of codes and of scales, as stored.
struct EncodedBytes {
  std::size_t codes = 0;
  std::size_t scales = 0;
};
EncodedBytes stored_bytes(const EncodedMatrix& matrix);
// w^ for every weight, [inputs][outputs].
Matrix<float> decode(const EncodedMatrix& matrix);

}  // namespace nibble
