// Weights of MatMulNBits: codes [outputs][blocks][size * bits / 8] uint8, lowest bits first; scales
// [outputs][blocks]; zero points packed like codes [outputs][bytes], or as floats
// [outputs][blocks]. Source: docs/ContribOperators.md of ONNX Runtime.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/onnx_weights.h"

namespace nibble {
namespace {

using onnx::Type;

constexpr std::size_t kBitsPerByte = 8;
constexpr std::size_t kMostInputs = std::size_t{1} << 32;

void require(bool holds, const OnnxTensor& tensor, std::string_view what) {
  if (holds) return;
  throw_error("the tensor '{}' of a MatMulNBits does not hold {}", tensor.name.substr(0, 100),
              what);
}

void require_blocks(const OnnxWeights::Blocks& blocks) {
  const bool known_bits = blocks.bits == 2 || blocks.bits == 4 || blocks.bits == 8;
  if (known_bits && blocks.size >= 16 && blocks.size <= 65536 &&
      (blocks.size & (blocks.size - 1)) == 0 && blocks.inputs > 0 && blocks.inputs <= kMostInputs &&
      blocks.outputs > 0 && blocks.outputs <= kMostInputs)
    return;
  throw_error(
      "a MatMulNBits has K {}, N {}, {} bits, block size {}; expected 2, 4 or 8 bits and a block "
      "of a "
      "power of two from 16",
      blocks.inputs, blocks.outputs, blocks.bits, blocks.size);
}

// The codes of a row of `per_row` bytes, one after another.
unsigned code_at(std::span<const std::byte> bytes, std::size_t row, std::size_t per_row,
                 std::size_t index, std::size_t bits) {
  const std::size_t per_byte = kBitsPerByte / bits;
  const auto byte = std::to_integer<unsigned>(bytes[row * per_row + index / per_byte]);
  return (byte >> (index % per_byte * bits)) & ((1U << bits) - 1);
}

class BlockCodes {
 public:
  BlockCodes(const OnnxWeights::Blocks& blocks, const OnnxTensor& codes)
      : blocks_(blocks),
        count_((blocks.inputs + blocks.size - 1) / blocks.size),
        row_bytes_(count_ * blocks.size * blocks.bits / kBitsPerByte) {
    require(codes.raw.has_value() && codes.type == Type::kUint8 &&
                codes.raw->size() / row_bytes_ == blocks.outputs &&
                codes.raw->size() % row_bytes_ == 0,
            codes, "as many codes as K and N ask for, in raw_data");
    bytes_ = *codes.raw;
  }
  std::size_t count() const { return count_; }
  unsigned at(std::size_t input, std::size_t output) const {
    return code_at(bytes_, output, row_bytes_, input, blocks_.bits);
  }

 private:
  OnnxWeights::Blocks blocks_;
  std::size_t count_;
  std::size_t row_bytes_;
  std::span<const std::byte> bytes_;
};

// One zero point for each block of each output, [outputs][blocks].
AlignedVector<float> zero_points(const OnnxWeights::Blocks& blocks, std::size_t count,
                                 const std::optional<OnnxConstant>& zeros,
                                 const SharedFile& owner) {
  const auto middle = static_cast<float>(1U << (blocks.bits - 1));
  if (!zeros) return AlignedVector<float>(blocks.outputs * count, middle);
  const OnnxTensor& tensor = *zeros->tensor;
  if (tensor.type != Type::kUint8) {
    AlignedVector<float> values = floats_of(tensor, owner, blocks.outputs * count);
    require(values.size() == blocks.outputs * count, tensor, "a zero point for each block");
    return values;
  }
  const std::size_t row_bytes = (count * blocks.bits + kBitsPerByte - 1) / kBitsPerByte;
  require(tensor.raw.has_value() && tensor.raw->size() == row_bytes * blocks.outputs, tensor,
          "a zero point for each block, in raw_data");
  AlignedVector<float> values(blocks.outputs * count);
  for (std::size_t at = 0; at < values.size(); ++at)
    values[at] =
        static_cast<float>(code_at(*tensor.raw, at / count, row_bytes, at % count, blocks.bits));
  return values;
}

Matrix<float> widened(const OnnxWeights::Blocks& blocks, const BlockCodes& codes,
                      std::span<const float> scales, std::span<const float> zeros) {
  Matrix<float> result(blocks.inputs, blocks.outputs);
  for (std::size_t o = 0; o < blocks.outputs; ++o) {
    for (std::size_t i = 0; i < blocks.inputs; ++i) {
      const std::size_t at = o * codes.count() + i / blocks.size;
      result.at(i, o) = (static_cast<float>(codes.at(i, o)) - zeros[at]) * scales[at];
    }
  }
  return result;
}

// But for scales that float16 cannot hold.
bool is_our_form(const OnnxWeights::Blocks& blocks, std::span<const float> zeros) {
  constexpr float kMiddle = 8.0F;
  return blocks.bits == 4 && blocks.size == kInt4Group &&
         std::ranges::all_of(zeros, [](float zero) { return zero == kMiddle; });
}

Int4Matrix kept(const OnnxWeights::Blocks& blocks, const BlockCodes& codes,
                std::span<const std::uint16_t> scales) {
  Matrix<std::uint8_t> packed(blocks.inputs, (blocks.outputs + 1) / 2);
  for (std::size_t i = 0; i < blocks.inputs; ++i) {
    for (std::size_t o = 0; o < blocks.outputs; o += 2) {
      const unsigned high = o + 1 < blocks.outputs ? codes.at(i, o + 1) : 8U;
      packed.at(i, o / 2) = static_cast<std::uint8_t>(codes.at(i, o) | (high << 4));
    }
  }
  Matrix<std::uint16_t> turned(codes.count(), blocks.outputs);
  for (std::size_t at = 0; at < scales.size(); ++at)
    turned.at(at % codes.count(), at / codes.count()) = scales[at];
  return {blocks.outputs, GroupAxis::kInputs, std::move(packed), std::move(turned)};
}

}  // namespace

EncodedMatrix OnnxWeights::block_matrix(const Blocks& blocks, const OnnxConstant& codes,
                                        const OnnxConstant& scales,
                                        const std::optional<OnnxConstant>& zeros) const {
  require_blocks(blocks);
  const BlockCodes all_codes(blocks, *codes.tensor);
  const std::size_t count = all_codes.count() * blocks.outputs;
  const AlignedVector<float> scale = floats_of(*scales.tensor, owner_, count);
  require(scale.size() == count, *scales.tensor, "a scale for each block");
  const AlignedVector<float> zero = zero_points(blocks, all_codes.count(), zeros, owner_);
  if (is_our_form(blocks, zero)) {
    if (const auto half = exact_f16s(scale)) return kept(blocks, all_codes, *half);
  }
  return widened(blocks, all_codes, scale, zero);
}

}  // namespace nibble
