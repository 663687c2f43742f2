#include "nibble/formats/torch_tensors.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/quant/half.h"

namespace nibble {
namespace {

// Outputs or inputs turned round at a time: 16 float32 are one cache line of a weight row.
constexpr std::size_t kBand = kCacheLine / sizeof(float);

template <typename T>
struct AsItIs {
  using Stored = T;
  static T convert(T code) { return code; }
};
struct FromF64 {
  using Stored = double;
  static float convert(double value) { return static_cast<float>(value); }
};
struct FromF16 {
  using Stored = std::uint16_t;
  static float convert(std::uint16_t code) { return float_from_f16(code); }
};
struct FromBf16 {
  using Stored = std::uint16_t;
  static float convert(std::uint16_t code) { return float_from_bf16(code); }
};

// Where element [o][i] lies, counted in elements.
struct Layout {
  std::uint64_t offset = 0;
  std::uint64_t output_stride = 0;
  std::uint64_t input_stride = 0;
};

template <typename T>
T load(std::span<const std::byte> bytes, std::uint64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

struct Range {
  std::size_t first = 0;
  std::size_t end = 0;
};

// Where a storage lies, and in which file.
struct Record {
  std::span<const std::byte> bytes;
  const MappedFile* owner = nullptr;
};

template <typename From, typename T>
void fill_band(Matrix<T>& target, std::span<const std::byte> bytes, const Layout& layout,
               const Range& outputs, const Range& inputs) {
  for (std::size_t i = inputs.first; i < inputs.end; ++i) {
    for (std::size_t o = outputs.first; o < outputs.end; ++o) {
      const std::uint64_t index =
          layout.offset + o * layout.output_stride + i * layout.input_stride;
      target.values[i * target.columns + o] =
          From::convert(load<typename From::Stored>(bytes, index));
    }
  }
}

// Band by band as they lie in the file, whichever way that is.
template <typename From, typename T>
void fill_transposed(Matrix<T>& target, const Record& record, const Layout& layout) {
  const bool by_output = layout.output_stride >= layout.input_stride;
  const std::size_t size = by_output ? target.columns : target.rows;
  const std::uint64_t stride = by_output ? layout.output_stride : layout.input_stride;
  PagesBehind behind(record.owner, record.bytes);
  for (std::size_t first = 0; first < size; first += kBand) {
    const Range band{first, std::min(first + kBand, size)};
    fill_band<From>(target, record.bytes, layout, by_output ? band : Range{0, target.columns},
                    by_output ? Range{0, target.rows} : band);
    behind.advance((layout.offset + band.end * stride) * sizeof(typename From::Stored));
  }
}

Matrix<float> read_transposed(const PickleTensor& tensor, const Record& record,
                              const Layout& layout, std::size_t inputs, std::size_t outputs) {
  Matrix<float> result(inputs, outputs);
  switch (tensor.storage.element) {
    case ElementType::kF64:
      fill_transposed<FromF64>(result, record, layout);
      break;
    case ElementType::kF32:
      fill_transposed<AsItIs<float>>(result, record, layout);
      break;
    case ElementType::kF16:
      fill_transposed<FromF16>(result, record, layout);
      break;
    default:
      fill_transposed<FromBf16>(result, record, layout);
      break;
  }
  return result;
}

bool is_float(ElementType element) {
  return element == ElementType::kF64 || element == ElementType::kF32 ||
         element == ElementType::kF16 || element == ElementType::kBf16;
}

// Elements that the shape asks for; nothing when they cannot be counted in 64 bits.
std::optional<std::uint64_t> element_count(const PickleTensor& tensor) {
  std::optional<std::uint64_t> count = 1;
  for (const std::uint64_t size : tensor.shape) {
    count = checked_product(*count, size);
    if (!count) return std::nullopt;
  }
  return count;
}

// One more than the highest index that the tensor touches; nothing when that is beyond 64 bits.
std::optional<std::uint64_t> reach(const PickleTensor& tensor) {
  std::optional<std::uint64_t> highest = tensor.offset;
  for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
    const auto step = checked_product(tensor.shape[d] - 1, tensor.strides[d]);
    if (!step) return std::nullopt;
    highest = checked_sum(*highest, *step);
    if (!highest) return std::nullopt;
  }
  return checked_sum(*highest, 1);
}

}  // namespace

std::string shape_text(std::span<const std::uint64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::span<const std::byte> TorchTensors::checked_record(const PickleTensor& tensor,
                                                        std::string_view name) {
  const PickleStorage& storage = tensor.storage;
  if (!is_float(storage.element)) {
    throw_error("the tensor '{}' holds {} numbers; F64, F32, F16 and BF16 can be read", name,
                name_of(storage.element));
  }
  return record_of(tensor, name);
}

// The bytes of the tensor's storage, in which all its elements lie.
std::span<const std::byte> TorchTensors::record_of(const PickleTensor& tensor,
                                                   std::string_view name) {
  const PickleStorage& storage = tensor.storage;
  const ZipEntry* record = archive_.find(fmt::format("{}data/{}", folder_, storage.key));
  if (record == nullptr)
    throw_error("the tensor '{}' needs the record data/{}, which the file lacks", name,
                storage.key);
  const auto bytes = checked_product(storage.elements, bytes_of(storage.element));
  if (!bytes || *bytes > record->bytes.size()) {
    throw_error("the tensor '{}' lies in a storage of {} numbers, but its record has {} bytes",
                name, storage.elements, record->bytes.size());
  }
  const auto count = element_count(tensor);
  if (!count || *count == 0)
    throw_error("the tensor '{}' has the shape {}; expected sizes of 1 or more", name,
                shape_text(tensor.shape));
  const auto end = reach(tensor);
  if (!end || *end > storage.elements) {
    throw_error("the tensor '{}' of shape {} reaches outside of its storage of {} numbers", name,
                shape_text(tensor.shape), storage.elements);
  }
  if (*count > numbers_left_) {
    throw_error(
        "the tensors up to '{}' share storages and together are much larger than the file; "
        "such a file is refused",
        name);
  }
  numbers_left_ -= *count;
  require_checksum(*record);
  // Now: the copy's memory is touched before the copy begins to read them again.
  if (owner_ != nullptr) owner_->release(record->bytes);
  return record->bytes;
}

Matrix<float> TorchTensors::transposed(const PickleTensor& tensor, std::string_view name) {
  const auto record = checked_record(tensor, name);
  return read_transposed(tensor, {record, owner_.get()},
                         {tensor.offset, tensor.strides[0], tensor.strides[1]}, tensor.shape[1],
                         tensor.shape[0]);
}

template <typename T>
Matrix<T> TorchTensors::codes(const PickleTensor& tensor, std::string_view name) {
  const ElementType type = tensor.storage.element;
  const bool fits = std::is_same_v<T, std::int8_t>
                        ? type == ElementType::kI8
                        : type == ElementType::kF16 || type == ElementType::kBf16;
  if (!fits)
    throw_error("the tensor '{}' holds {} codes; expected {}", name, name_of(type),
                std::is_same_v<T, std::int8_t> ? "qint8" : "F16 or BF16");
  const auto record = record_of(tensor, name);
  Matrix<T> result(tensor.shape[1], tensor.shape[0]);
  fill_transposed<AsItIs<T>>(result, {record, owner_.get()},
                             {tensor.offset, tensor.strides[0], tensor.strides[1]});
  return result;
}

template Matrix<std::int8_t> TorchTensors::codes(const PickleTensor&, std::string_view);
template Matrix<std::uint16_t> TorchTensors::codes(const PickleTensor&, std::string_view);

AlignedVector<float> TorchTensors::vector(const PickleTensor& tensor, std::string_view name) {
  const auto record = checked_record(tensor, name);
  return read_transposed(tensor, {record, owner_.get()}, {tensor.offset, tensor.strides[0], 0}, 1,
                         tensor.shape[0])
      .values;
}

template <typename T>
std::vector<T> TorchTensors::array(const PickleTensor& tensor, std::string_view name) {
  constexpr ElementType kType = std::is_same_v<T, float>    ? ElementType::kF32
                                : std::is_same_v<T, double> ? ElementType::kF64
                                                            : ElementType::kI64;
  if (tensor.storage.element != kType || tensor.shape.size() != 1 || tensor.strides[0] != 1)
    throw_error("the tensor '{}' holds {} numbers of shape {}; expected {} in one row", name,
                name_of(tensor.storage.element), shape_text(tensor.shape), name_of(kType));
  const auto record = record_of(tensor, name);
  std::vector<T> numbers(tensor.shape[0]);
  copy_from_file(owner_.get(),
                 record.subspan(tensor.offset * sizeof(T), numbers.size() * sizeof(T)),
                 numbers.data());
  return numbers;
}

template std::vector<float> TorchTensors::array(const PickleTensor&, std::string_view);
template std::vector<double> TorchTensors::array(const PickleTensor&, std::string_view);
template std::vector<std::int64_t> TorchTensors::array(const PickleTensor&, std::string_view);

std::optional<double> TorchTensors::number(const PickleValue& value) {
  if (const PickleTensor* tensor = value.as_tensor()) return number(*tensor);
  if (const auto* whole = value.as<std::int64_t>()) return static_cast<double>(*whole);
  if (const auto* real = value.as<double>()) return *real;
  return std::nullopt;
}

std::optional<double> TorchTensors::number(const PickleTensor& tensor) {
  const ElementType type = tensor.storage.element;
  if (!tensor.shape.empty() || (type != ElementType::kF64 && type != ElementType::kF32))
    return std::nullopt;
  const auto record = checked_record(tensor, "of a number");
  if (type == ElementType::kF64) return load<double>(record, tensor.offset);
  return static_cast<double>(load<float>(record, tensor.offset));
}

}  // namespace nibble
