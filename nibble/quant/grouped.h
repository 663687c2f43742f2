// GroupedMatrix: codes of any kind (code_kind.h) with one float16 scale for each block of weights.
//
//   w^[i][o] = float16(scale[block] * level(code))   nf4, fp8
//   w^[i][o] = scale[block] * level(code)            the others; exact in float32
//
// Asymmetric integers have a zero point z of 0..2^b-1 for each block as well: level = code - z.
// nf4 and fp8 round to float16 (by at most 2^-12 of the weight, far below what their codes lose),
// so that the float16 kernels run them without a change. How each form runs: kernel_form.h.
//
// Layout: codes one after the other over the whole matrix, row-major, packed without gaps
// (code_kind.h), so that a file takes what it says: ceil(weights * bits / 8) bytes, then 2 bytes a
// block for the scale and 1 for the zero point. Scales are float16 bit patterns, [blocks along the
// inputs][blocks along the outputs]; negative ones are allowed.
//
// The encoder looks for each block's scale with the smallest squared error (scale_search.h), rounds
// it to float16, and chooses the codes for the rounded scale. On uniform and normal weights the
// error is within 1 % of what the best of all float16 scales would leave (grouped_test.cc tries
// them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_matrix.h"
#include "nibble/quant/block_shape.h"
#include "nibble/quant/code_kind.h"

namespace nibble {

struct GroupedForm {
  CodeKind kind = CodeKind::kInt4;
  BlockShape block;
  bool asymmetric = false;  // int2..int8 only
  friend bool operator==(const GroupedForm&, const GroupedForm&) = default;
};

// Whether the weights of this kind are float16 numbers.
bool rounds_to_f16(CodeKind kind);

struct GroupedMatrix {
  GroupedForm form;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  SharedMatrix<std::uint8_t> codes;    // [1][packed_bytes]
  SharedMatrix<std::uint16_t> scales;  // float16
  SharedMatrix<std::uint8_t> zeros;    // shape of scales; empty unless asymmetric
  friend bool operator==(const GroupedMatrix&, const GroupedMatrix&) = default;
};

// Weights [inputs][outputs], finite, at most kLargestF16 in magnitude. `importance`, one positive
// number for each input or none at all, says how much a squared error in that input's weights
// counts in the search for a scale. Blocks of one input come out the same with any.
GroupedMatrix encode_grouped(const Matrix<float>& weight, const GroupedForm& form,
                             std::span<const float> importance = {});
Matrix<float> decode(const GroupedMatrix& matrix);

// Rounds weights to the levels that a matrix's scales and zero points give.
class GroupedRounder {
 public:
  explicit GroupedRounder(GroupedMatrix scales) : scales_(std::move(scales)) {}
  // Each weight of this input becomes the nearest one that can be stored.
  void round_row(std::size_t input, std::span<float> row) const;
  // The matrix that stores the nearest of these weights, with the scales as they are.
  GroupedMatrix encode(const Matrix<float>& weight) const;

 private:
  GroupedMatrix scales_;
};

// The whole numbers that the codes stand for, each within -255..255: [inputs][outputs]. Not for nf4
// and fp8.
Matrix<std::int16_t> integer_levels(const GroupedMatrix& matrix);

// An Error, naming the layer, unless sizes agree and every code, scale and zero point is one that
// the encoder could have made.
void require_sound(const GroupedMatrix& matrix, std::size_t layer);

}  // namespace nibble
