#include "nibble/formats/onnx_weights.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

using onnx::Type;

struct Size {
  std::size_t rows = 0;
  std::size_t columns = 0;
};

// A matrix that the file's bytes can hold: at least four bits for each element.
Size matrix_size(const OnnxTensor& tensor) {
  if (tensor.shape.size() != 2 || tensor.elements() == 0)
    throw_error("the tensor '{}' has the shape [{}]; expected a layer's matrix",
                tensor.name.substr(0, 100), fmt::join(tensor.shape, ", "));
  if (tensor.elements() / 2 > tensor.message.size())
    throw_error("the tensor '{}' has the shape [{}] but only {} bytes", tensor.name.substr(0, 100),
                fmt::join(tensor.shape, ", "), tensor.message.size());
  return {tensor.shape[0], tensor.shape[1]};
}

// Calls sink(row, column, value) with every element.
template <typename Sink>
void for_each_element(const OnnxTensor& tensor, const SharedFile& owner, Sink&& sink) {
  const std::size_t columns = matrix_size(tensor).columns;
  std::size_t row = 0;
  std::size_t column = 0;
  read_elements(tensor, owner, [&](std::span<const double> chunk) {
    for (const double value : chunk) {
      sink(row, column, value);
      if (++column < columns) continue;
      column = 0;
      ++row;
    }
  });
}

// The scale or zero point of each element of a quantized matrix.
class Spread {
 public:
  Spread(const OnnxConstant& constant, Size size) : constant_(constant), size_(size) {
    const std::int64_t axis = constant.axis < 0 ? constant.axis + 2 : constant.axis;
    if (axis != 0 && axis != 1)
      throw_error("a DequantizeLinear of a matrix has the axis {}", constant.axis);
    if (constant.block < 0) throw_error("a DequantizeLinear has the block size {}", constant.block);
    by_column_ = axis == 1;
    const std::size_t along = by_column_ ? size.columns : size.rows;
    block_ = static_cast<std::size_t>(constant.block);
    blocks_ = block_ == 0 ? 0 : along / block_ + (along % block_ != 0 ? 1 : 0);
  }

  // How many numbers there must be; one for all is right, too, without blocks.
  std::size_t count() const {
    if (block_ == 0) return by_column_ ? size_.columns : size_.rows;
    return blocks_ * (by_column_ ? size_.rows : size_.columns);
  }
  AlignedVector<float> read(const OnnxTensor& tensor, const SharedFile& owner) const {
    AlignedVector<float> values = floats_of(tensor, owner, count());
    if (values.size() == 1 && block_ == 0) values.resize(count(), values.front());
    if (values.size() != count())
      throw_error("the tensor '{}' has {} elements for the scales of a {} x {} matrix; expected {}",
                  tensor.name.substr(0, 100), values.size(), size_.rows, size_.columns, count());
    return values;
  }
  std::size_t index(std::size_t row, std::size_t column) const {
    if (block_ == 0) return by_column_ ? column : row;
    return by_column_ ? row * blocks_ + column / block_ : row / block_ * size_.columns + column;
  }

 private:
  const OnnxConstant& constant_;
  Size size_;
  bool by_column_ = true;
  std::size_t block_ = 0;
  std::size_t blocks_ = 0;
};

Matrix<float> dequantized(const OnnxConstant& constant, bool turned, const SharedFile& owner) {
  const Size size = matrix_size(*constant.tensor);
  const Spread spread(constant, size);
  const AlignedVector<float> scales = spread.read(*constant.scales, owner);
  AlignedVector<float> zeros(scales.size());
  if (constant.zeros != nullptr) zeros = spread.read(*constant.zeros, owner);
  Matrix<float> result(turned ? size.columns : size.rows, turned ? size.rows : size.columns);
  for_each_element(*constant.tensor, owner, [&](std::size_t row, std::size_t column, double code) {
    const std::size_t at = spread.index(row, column);
    const float value = (static_cast<float>(code) - zeros[at]) * scales[at];
    result.at(turned ? column : row, turned ? row : column) = value;
  });
  return result;
}

std::optional<std::uint16_t> exact_f16(float value) {
  const std::uint16_t code = f16_from_float(value);
  if (float_from_f16(code) != value) return std::nullopt;
  return code;
}

void set_nibble(Matrix<std::uint8_t>& codes, std::size_t input, std::size_t output, unsigned code) {
  std::uint8_t& byte = codes.at(input, output / 2);
  byte = static_cast<std::uint8_t>(output % 2 == 0 ? (byte & 0xF0U) | code
                                                   : (byte & 0x0FU) | (code << 4));
}

constexpr std::uint8_t kZeroCodes = 0x88;

Matrix<std::uint8_t> zero_codes(std::size_t inputs, std::size_t outputs) {
  Matrix<std::uint8_t> codes(inputs, outputs / 2 + outputs % 2);
  std::ranges::fill(codes.values, kZeroCodes);
  return codes;
}

// int4 codes in blocks of 32 outputs, as write_onnx writes a first layer.
std::optional<Int4Matrix> grouped_by_outputs(const OnnxConstant& constant,
                                             const SharedFile& owner) {
  const OnnxTensor& tensor = *constant.tensor;
  if (tensor.type != Type::kInt4 || constant.scales == nullptr || constant.zeros != nullptr ||
      constant.axis != 1 || constant.block != std::int64_t{kInt4Group}) {
    return std::nullopt;
  }
  const Size size = matrix_size(tensor);
  auto scales = exact_f16s(Spread(constant, size).read(*constant.scales, owner));
  if (!scales) return std::nullopt;
  Matrix<std::uint8_t> codes = zero_codes(size.rows, size.columns);
  for_each_element(tensor, owner, [&](std::size_t row, std::size_t column, double code) {
    set_nibble(codes, row, column, static_cast<unsigned>(static_cast<int>(code) + 8));
  });
  Matrix<std::uint16_t> scale_matrix;
  scale_matrix.rows = size.rows;
  scale_matrix.columns = scales->size() / size.rows;
  scale_matrix.values = *std::move(scales);
  return Int4Matrix{size.columns, GroupAxis::kOutputs, std::move(codes), std::move(scale_matrix)};
}

// value - zero of every code, if all lie within -128..127.
std::optional<Matrix<std::int8_t>> centred_codes(const OnnxTensor& tensor, bool turned,
                                                 std::span<const float> zeros,
                                                 const SharedFile& owner) {
  const Size size = matrix_size(tensor);
  Matrix<std::int8_t> codes(turned ? size.columns : size.rows, turned ? size.rows : size.columns);
  bool all_fit = true;
  for_each_element(tensor, owner, [&](std::size_t row, std::size_t column, double value) {
    const std::size_t input = turned ? column : row;
    const std::size_t output = turned ? row : column;
    const double code = value - zeros[output];
    all_fit = all_fit && code >= -128 && code <= 127;
    codes.at(input, output) = all_fit ? static_cast<std::int8_t>(code) : std::int8_t{0};
  });
  if (!all_fit) return std::nullopt;
  return codes;
}

bool all_zero(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return value == 0.0F; });
}

}  // namespace

std::optional<AlignedVector<std::uint16_t>> exact_f16s(std::span<const float> values) {
  AlignedVector<std::uint16_t> codes;
  for (const float value : values) {
    const std::optional<std::uint16_t> code = exact_f16(value);
    if (!code) return std::nullopt;
    codes.push_back(*code);
  }
  return codes;
}

// The codes where they lie in the mapped file, or copied; nothing (0 x 0) when they are in typed
// fields.
template <typename T>
SharedMatrix<T> OnnxWeights::codes_in_place(const OnnxTensor& tensor) const {
  const Size size = matrix_size(tensor);
  if (!tensor.raw || tensor.raw->size() != tensor.elements() * sizeof(T)) return {};
  const auto bytes = *tensor.raw;
  if (owner_ != nullptr && reinterpret_cast<std::uintptr_t>(bytes.data()) % kCacheLine == 0)
    return {size.rows,
            size.columns,
            {reinterpret_cast<const T*>(bytes.data()), size.rows * size.columns},
            owner_};
  Matrix<T> copied(size.rows, size.columns);
  std::memcpy(copied.values.data(), bytes.data(), bytes.size());
  return copied;
}

Matrix<float> OnnxWeights::floats(const OnnxConstant& constant, bool turned) const {
  if (constant.scales != nullptr) return dequantized(constant, turned, owner_);
  const OnnxTensor& tensor = *constant.tensor;
  const Size size = matrix_size(tensor);
  Matrix<float> result(turned ? size.columns : size.rows, turned ? size.rows : size.columns);
  const std::size_t bytes = result.values.size() * sizeof(float);
  if (turned || tensor.type != Type::kFloat || !tensor.raw || tensor.raw->size() != bytes) {
    for_each_element(tensor, owner_, [&](std::size_t row, std::size_t column, double value) {
      result.at(turned ? column : row, turned ? row : column) = static_cast<float>(value);
    });
    return result;
  }
  copy_from_file(owner_.get(), *tensor.raw, result.values.data());
  return result;
}

EncodedMatrix OnnxWeights::matrix(const OnnxConstant& constant, bool turned) const {
  turned = turned != constant.turned;
  const OnnxTensor& tensor = *constant.tensor;
  if (constant.scales == nullptr &&
      (tensor.type == Type::kFloat16 || tensor.type == Type::kBfloat16)) {
    const bool is_f16 = tensor.type == Type::kFloat16;
    SharedMatrix<std::uint16_t> codes =
        turned ? SharedMatrix<std::uint16_t>() : codes_in_place<std::uint16_t>(tensor);
    if (codes.rows == 0) {
      const Matrix<float> values = floats(constant, turned);
      return is_f16 ? EncodedMatrix(encode_f16(values)) : EncodedMatrix(encode_bf16(values));
    }
    return is_f16 ? EncodedMatrix(F16Matrix{std::move(codes)})
                  : EncodedMatrix(Bf16Matrix{std::move(codes)});
  }
  if (!turned) {
    if (auto grouped = grouped_by_outputs(constant, owner_)) return *std::move(grouped);
  }
  return floats(constant, turned);
}

EncodedMatrix OnnxWeights::integer_matrix(const OnnxConstant& codes, const OnnxConstant& scales,
                                          const std::optional<OnnxConstant>& zeros,
                                          bool torch_codes) const {
  const OnnxTensor& tensor = *codes.tensor;
  if ((tensor.type != Type::kInt8 && tensor.type != Type::kUint8) || codes.scales != nullptr)
    throw_error("the tensor '{}' is of type {}; expected int8 or uint8 codes",
                tensor.name.substr(0, 100), name_of(tensor.type));
  const Size size = matrix_size(tensor);
  const std::size_t outputs = codes.turned ? size.rows : size.columns;
  AlignedVector<float> scale = vector(scales, outputs);
  const AlignedVector<float> zero = zeros ? vector(*zeros, outputs) : AlignedVector<float>(outputs);
  const bool as_torch = torch_codes && all_zero(zero) && scales.tensor->elements() == 1;
  const bool in_place = tensor.type == Type::kInt8 && !codes.turned && all_zero(zero);
  SharedMatrix<std::int8_t> kept =
      in_place ? codes_in_place<std::int8_t>(tensor) : SharedMatrix<std::int8_t>();
  if (kept.rows == 0) {
    auto centred = centred_codes(tensor, codes.turned, zero, owner_);
    if (!centred) {
      OnnxConstant stands_for = codes;
      stands_for.scales = scales.tensor;
      stands_for.zeros = zeros ? zeros->tensor : nullptr;
      stands_for.axis = codes.turned ? 0 : 1;
      return floats(stands_for, codes.turned);
    }
    kept = *std::move(centred);
  }
  if (as_torch) return Int8TorchMatrix{std::move(kept), scale.front()};
  return Int8Matrix{std::move(kept), std::move(scale)};
}

AlignedVector<float> OnnxWeights::vector(const OnnxConstant& constant, std::size_t size) const {
  if (constant.scales != nullptr)
    throw_error("the tensor '{}' is quantized where a layer's bias or scales were expected",
                constant.tensor->name.substr(0, 100));
  AlignedVector<float> values = floats_of(*constant.tensor, owner_, size);
  if (values.size() == 1) values.resize(size, values.front());
  if (values.size() != size)
    throw_error("the tensor '{}' has {} elements; expected {}, one for each output",
                constant.tensor->name.substr(0, 100), values.size(), size);
  return values;
}

std::optional<float> OnnxWeights::single(const OnnxConstant& constant) const {
  if (constant.scales != nullptr || constant.tensor->elements() != 1) return std::nullopt;
  return floats_of(*constant.tensor, owner_, 1).front();
}

}  // namespace nibble
