#include "nibble/formats/onnx_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/core/error.h"
#include "nibble/formats/protobuf.h"
#include "nibble/quant/half.h"

namespace nibble {
namespace {

using namespace onnx;
using Bytes = std::span<const std::byte>;
using Sink = std::function<void(std::span<const double>)>;

constexpr std::size_t kChunk = 512;  // elements handed out at once
constexpr std::string_view kTensorText = "a tensor of the ONNX graph";

[[noreturn]] void refuse_count(const OnnxTensor& tensor) {
  throw_error(
      "the tensor '{}' has the shape [{}] but another number of elements; the file is damaged",
      tensor.name.substr(0, 100), fmt::join(tensor.shape, ", "));
}

[[noreturn]] void refuse_type(const OnnxTensor& tensor) {
  throw_error("the tensor '{}' is of ONNX's type {} ({}); expected numbers nibble knows",
              tensor.name.substr(0, 100), static_cast<std::int32_t>(tensor.type),
              name_of(tensor.type));
}

// Collects elements and hands them on; knows how many may come.
class Elements {
 public:
  Elements(const OnnxTensor& tensor, const Sink& sink)
      : tensor_(tensor), sink_(sink), left_(tensor.elements()) {}

  void add(double value) {
    if (left_ == 0) refuse_count(tensor_);
    --left_;
    chunk_[filled_++] = value;
    if (filled_ == kChunk) flush();
  }
  std::uint64_t left() const { return left_; }
  void finish() {
    if (left_ != 0) refuse_count(tensor_);
    flush();
  }

 private:
  void flush() {
    sink_(std::span(chunk_.data(), filled_));
    filled_ = 0;
  }

  const OnnxTensor& tensor_;
  const Sink& sink_;
  std::uint64_t left_;
  std::array<double, kChunk> chunk_{};
  std::size_t filled_ = 0;
};

template <typename T>
T number_at(Bytes bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

// How an element of one type becomes a double.
template <typename T>
double widened(T value) {
  return static_cast<double>(value);
}
double widened_f16(std::uint16_t code) { return double{float_from_f16(code)}; }
double widened_bf16(std::uint16_t code) { return double{float_from_bf16(code)}; }

template <typename T, typename Widen>
void read_raw(Bytes raw, const SharedFile& owner, Elements& elements, Widen widen) {
  if (raw.size() % sizeof(T) != 0 || raw.size() / sizeof(T) != elements.left()) {
    elements.finish();  // refuses, unless the tensor is empty
    return;
  }
  PagesBehind behind(owner.get(), raw);
  for (std::size_t index = 0; index < raw.size() / sizeof(T); ++index) {
    elements.add(widen(number_at<T>(raw, index)));
    behind.advance((index + 1) * sizeof(T));
  }
}

// The four bits of a code, with their sign if they have one.
double nibble_value(std::uint8_t code, bool is_signed) {
  return is_signed && code >= 8 ? code - 16.0 : double{static_cast<float>(code)};
}

void read_raw_nibbles(Bytes raw, bool is_signed, Elements& elements) {
  const std::uint64_t count = elements.left();
  if (raw.size() != count / 2 + count % 2) return elements.finish();
  for (std::uint64_t index = 0; index < count; ++index) {
    const auto byte = std::to_integer<std::uint8_t>(raw[index / 2]);
    elements.add(nibble_value(index % 2 == 0 ? byte & 15U : byte >> 4, is_signed));
  }
}

void read_raw(const OnnxTensor& tensor, const SharedFile& owner, Elements& to) {
  switch (tensor.type) {
    case Type::kFloat:
      return read_raw<float>(*tensor.raw, owner, to, widened<float>);
    case Type::kDouble:
      return read_raw<double>(*tensor.raw, owner, to, widened<double>);
    case Type::kFloat16:
      return read_raw<std::uint16_t>(*tensor.raw, owner, to, widened_f16);
    case Type::kBfloat16:
      return read_raw<std::uint16_t>(*tensor.raw, owner, to, widened_bf16);
    case Type::kInt8:
      return read_raw<std::int8_t>(*tensor.raw, owner, to, widened<std::int8_t>);
    case Type::kUint8:
    case Type::kBool:
      return read_raw<std::uint8_t>(*tensor.raw, owner, to, widened<std::uint8_t>);
    case Type::kInt32:
      return read_raw<std::int32_t>(*tensor.raw, owner, to, widened<std::int32_t>);
    case Type::kInt64:
      return read_raw<std::int64_t>(*tensor.raw, owner, to, widened<std::int64_t>);
    case Type::kInt4:
    case Type::kUint4:
      return read_raw_nibbles(*tensor.raw, tensor.type == Type::kInt4, to);
    default:
      refuse_type(tensor);
  }
}

// Visits the numbers of a repeated field, packed or not.
template <typename T>
void read_fixed(const OnnxTensor& tensor, std::uint32_t number, Elements& to) {
  WireReader reader(tensor.message, kTensorText);
  while (const auto field = reader.next()) {
    if (field->number != number) continue;
    if (field->type != WireType::kBytes) {
      to.add(double{std::bit_cast<T>(
          static_cast<std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>(
              field->value))});
      continue;
    }
    if (field->bytes.size() % sizeof(T) != 0) refuse_count(tensor);
    for (std::size_t i = 0; i < field->bytes.size() / sizeof(T); ++i)
      to.add(double{number_at<T>(field->bytes, i)});
  }
}

template <typename Widen>
void read_varints(const OnnxTensor& tensor, std::uint32_t number, Elements& to, Widen widen) {
  WireReader reader(tensor.message, kTensorText);
  while (const auto field = reader.next()) {
    if (field->number != number) continue;
    if (field->type != WireType::kBytes) {
      widen(static_cast<std::int64_t>(field->value), to);
      continue;
    }
    ByteReader packed(field->bytes, kTensorText);
    while (packed.left() > 0)
      widen(static_cast<std::int64_t>(read_varint(packed, kTensorText)), to);
  }
}

// int32_data holds every small integer type, and the bits of the 16-bit floats.
void read_int32_field(const OnnxTensor& tensor, Elements& to) {
  const Type type = tensor.type;
  read_varints(tensor, kTensorInt32s, to, [type](std::int64_t value, Elements& elements) {
    if (type == Type::kFloat16) return elements.add(widened_f16(static_cast<std::uint16_t>(value)));
    if (type == Type::kBfloat16)
      return elements.add(widened_bf16(static_cast<std::uint16_t>(value)));
    if (type != Type::kInt4 && type != Type::kUint4)
      return elements.add(static_cast<double>(static_cast<std::int32_t>(value)));
    elements.add(nibble_value(value & 15, type == Type::kInt4));
    if (elements.left() > 0) elements.add(nibble_value((value >> 4) & 15, type == Type::kInt4));
  });
}

void read_typed(const OnnxTensor& tensor, Elements& to) {
  switch (tensor.type) {
    case Type::kFloat:
      return read_fixed<float>(tensor, kTensorFloats, to);
    case Type::kDouble:
      return read_fixed<double>(tensor, kTensorDoubles, to);
    case Type::kInt64:
      return read_varints(tensor, kTensorInt64s, to, [](std::int64_t value, Elements& elements) {
        elements.add(static_cast<double>(value));
      });
    case Type::kFloat16:
    case Type::kBfloat16:
    case Type::kInt8:
    case Type::kUint8:
    case Type::kBool:
    case Type::kInt32:
    case Type::kInt4:
    case Type::kUint4:
      return read_int32_field(tensor, to);
    default:
      refuse_type(tensor);
  }
}

}  // namespace

void read_elements(const OnnxTensor& tensor, const SharedFile& owner, const Sink& sink) {
  Elements elements(tensor, sink);
  if (tensor.raw) {
    read_raw(tensor, owner, elements);
  } else {
    read_typed(tensor, elements);
  }
  elements.finish();
}

AlignedVector<float> floats_of(const OnnxTensor& tensor, const SharedFile& owner,
                               std::size_t most) {
  if (tensor.elements() > most)
    throw_error("the tensor '{}' has {} elements; expected at most {}", tensor.name.substr(0, 100),
                tensor.elements(), most);
  AlignedVector<float> values;
  read_elements(tensor, owner, [&values](std::span<const double> chunk) {
    for (const double value : chunk) values.push_back(static_cast<float>(value));
  });
  return values;
}

std::vector<std::int64_t> integers_of(const OnnxTensor& tensor) {
  if (tensor.type != Type::kInt64 && tensor.type != Type::kInt32) refuse_type(tensor);
  if (tensor.elements() > kMostOnnxParts) refuse_count(tensor);
  std::vector<std::int64_t> values;
  read_elements(tensor, nullptr, [&values](std::span<const double> chunk) {
    std::ranges::transform(chunk, std::back_inserter(values),
                           [](double value) { return static_cast<std::int64_t>(value); });
  });
  return values;
}

std::vector<std::string_view> texts_of(const OnnxTensor& tensor) {
  if (tensor.type != Type::kText) refuse_type(tensor);
  std::vector<std::string_view> texts;
  WireReader reader(tensor.message, kTensorText);
  while (const auto field = reader.next()) {
    if (field->number != kTensorTexts) continue;
    if (texts.size() == kMostOnnxParts) refuse_count(tensor);
    texts.push_back(field->text());
  }
  if (texts.size() != tensor.elements()) refuse_count(tensor);
  return texts;
}

}  // namespace nibble
