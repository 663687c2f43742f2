// An ONNX graph's constants, and the matrices of layers made from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "nibble/core/aligned.h"
#include "nibble/formats/onnx_values.h"
#include "nibble/quant/encodings.h"

namespace nibble {

// A tensor, and what constant nodes between it and its use do to it.
struct OnnxConstant {
  const OnnxTensor* tensor = nullptr;
  bool turned = false;  // by a Transpose
  // DequantizeLinear: value = (code - zero) * scale, where scales lie along an axis, in blocks of
  // it (block > 0), or are one for all.
  const OnnxTensor* scales = nullptr;
  const OnnxTensor* zeros = nullptr;
  std::int64_t axis = 1;
  std::int64_t block = 0;
};

// The bits of scales that are float16 numbers, all of them; nothing if one is not.
std::optional<AlignedVector<std::uint16_t>> exact_f16s(std::span<const float> values);

class OnnxWeights {
 public:
  explicit OnnxWeights(SharedFile owner) : owner_(std::move(owner)) {}

  // [inputs][outputs] of a Gemm or MatMul; `turned` if the node transposes it once more. f16 and
  // bf16 tensors keep their codes, blocks of int4 along the outputs with float16 scales their form.
  EncodedMatrix matrix(const OnnxConstant& constant, bool turned) const;
  // Of a MatMulInteger: codes [inputs][outputs] int8 or uint8, one scale or one for each output,
  // zero points likewise or none. Int8Matrix where codes - zero lie in -128..127, Int8TorchMatrix
  // if `torch_codes` and there is one scale and no zero point, else float32.
  EncodedMatrix integer_matrix(const OnnxConstant& codes, const OnnxConstant& scales,
                               const std::optional<OnnxConstant>& zeros, bool torch_codes) const;

  // Of a MatMulNBits. Int4Matrix for 4 bits, blocks of 32, zero points 8 and float16 scales, else
  // float32.
  struct Blocks {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::size_t bits = 4;
    std::size_t size = 32;
  };
  EncodedMatrix block_matrix(const Blocks& blocks, const OnnxConstant& codes,
                             const OnnxConstant& scales,
                             const std::optional<OnnxConstant>& zeros) const;

  // All values of a plain constant; an Error unless there are `size` of them, or one if that will
  // do for all.
  AlignedVector<float> vector(const OnnxConstant& constant, std::size_t size) const;
  // Nothing if it has more or fewer elements than one.
  std::optional<float> single(const OnnxConstant& constant) const;

 private:
  template <typename T>
  SharedMatrix<T> codes_in_place(const OnnxTensor& tensor) const;
  Matrix<float> floats(const OnnxConstant& constant, bool turned) const;

  SharedFile owner_;
};

}  // namespace nibble
