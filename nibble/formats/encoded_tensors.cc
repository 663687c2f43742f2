#include "nibble/formats/encoded_tensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

enum class Part { kWeight, kScales, kBias };

std::string name_of(std::size_t layer, Part part) {
  const std::string_view part_name = part == Part::kWeight   ? "weight"
                                     : part == Part::kScales ? "scales"
                                                             : "bias";
  return fmt::format("layers.{}.{}", layer, part_name);
}

template <typename AnyMatrix>
SafeTensor tensor_of(std::string name, ElementType type, const AnyMatrix& matrix) {
  return {std::move(name),
          type,
          {matrix.rows, matrix.columns},
          std::as_bytes(std::span(matrix.values))};
}

SafeTensor tensor_of(std::string name, std::span<const float> values) {
  return {std::move(name), ElementType::kF32, {values.size()}, std::as_bytes(values)};
}

// Appends the tensors of one layer's matrix; one overload for each encoding.
class Collector {
 public:
  Collector(std::vector<SafeTensor>& tensors, std::size_t layer)
      : tensors_(tensors), layer_(layer) {}

  void operator()(const F32Matrix& matrix) const { weight(ElementType::kF32, matrix); }
  void operator()(const F16Matrix& matrix) const { weight(ElementType::kF16, matrix.codes); }
  void operator()(const Bf16Matrix& matrix) const { weight(ElementType::kBf16, matrix.codes); }
  void operator()(const Int8Matrix& matrix) const {
    weight(ElementType::kI8, matrix.codes);
    tensors_.push_back(tensor_of(name_of(layer_, Part::kScales), matrix.scales));
  }
  void operator()(const Int8TorchMatrix& matrix) const {
    weight(ElementType::kI8, matrix.codes);
    tensors_.push_back(tensor_of(name_of(layer_, Part::kScales), std::span(&matrix.scale, 1)));
  }
  void operator()(const Int4Matrix& matrix) const {
    weight(ElementType::kU8, matrix.codes);
    tensors_.push_back(tensor_of(name_of(layer_, Part::kScales), ElementType::kF16, matrix.scales));
  }
  void bias(std::span<const float> values) const {
    tensors_.push_back(tensor_of(name_of(layer_, Part::kBias), values));
  }

 private:
  template <typename AnyMatrix>
  void weight(ElementType type, const AnyMatrix& matrix) const {
    tensors_.push_back(tensor_of(name_of(layer_, Part::kWeight), type, matrix));
  }

  std::vector<SafeTensor>& tensors_;
  std::size_t layer_;
};

bool is_aligned(std::span<const std::byte> bytes) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % kCacheLine == 0;
}

// Takes tensors of a known type and shape out of the file.
class Extractor {
 public:
  Extractor(const TensorSource& source, std::size_t layer) : source_(source), layer_(layer) {}

  template <typename T>
  SharedMatrix<T> codes(Part part, ElementType type, std::size_t rows, std::size_t columns) const {
    const auto bytes = tensor(part, type, {rows, columns});
    if (source_.owner == nullptr || !is_aligned(bytes)) return matrix<T>(part, type, rows, columns);
    return {
        rows, columns, {reinterpret_cast<const T*>(bytes.data()), rows * columns}, source_.owner};
  }

  template <typename T>
  Matrix<T> matrix(Part part, ElementType type, std::size_t rows, std::size_t columns) const {
    const auto bytes = tensor(part, type, {rows, columns});
    Matrix<T> result(rows, columns);
    std::memcpy(result.values.data(), bytes.data(), bytes.size());
    return result;
  }

  AlignedVector<float> vector(Part part, std::size_t size) const {
    const auto bytes = tensor(part, ElementType::kF32, {size});
    AlignedVector<float> result(size);
    std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }

 private:
  std::span<const std::byte> tensor(Part part, ElementType type,
                                    const std::vector<std::uint64_t>& shape) const {
    const std::string name = name_of(layer_, part);
    const SafeTensor* found = source_.file.find(name);
    if (found == nullptr) throw_error("the model file lacks the tensor '{}'", name);
    if (found->type != type || found->shape != shape || found->bytes.empty()) {
      throw_error("the tensor '{}' is {} [{}]; expected {} [{}]", name,
                  nibble::name_of(found->type), fmt::join(found->shape, ", "),
                  nibble::name_of(type), fmt::join(shape, ", "));
    }
    return found->bytes;
  }

  const TensorSource& source_;
  std::size_t layer_;
};

std::size_t groups(std::size_t size) {
  return size / kInt4Group + (size % kInt4Group != 0 ? 1 : 0);
}

Int4Matrix extract_int4(const Extractor& from, std::size_t inputs, std::size_t outputs,
                        GroupAxis axis) {
  const std::size_t bytes_per_row = outputs / 2 + outputs % 2;
  Int4Matrix result;
  result.outputs = outputs;
  result.axis = axis;
  result.codes = from.codes<std::uint8_t>(Part::kWeight, ElementType::kU8, inputs, bytes_per_row);
  const bool by_output = axis == GroupAxis::kOutputs;
  result.scales = from.codes<std::uint16_t>(Part::kScales, ElementType::kF16,
                                            by_output ? inputs : groups(inputs),
                                            by_output ? groups(outputs) : outputs);
  return result;
}

EncodedMatrix extract_weight(const Extractor& from, Scheme scheme, std::size_t inputs,
                             std::size_t outputs, GroupAxis axis) {
  constexpr Part kWeight = Part::kWeight;
  switch (scheme) {
    case Scheme::kF32:
      return from.matrix<float>(kWeight, ElementType::kF32, inputs, outputs);
    case Scheme::kF16:
      return F16Matrix{from.codes<std::uint16_t>(kWeight, ElementType::kF16, inputs, outputs)};
    case Scheme::kBf16:
      return Bf16Matrix{from.codes<std::uint16_t>(kWeight, ElementType::kBf16, inputs, outputs)};
    case Scheme::kInt8:
      return Int8Matrix{from.codes<std::int8_t>(kWeight, ElementType::kI8, inputs, outputs),
                        from.vector(Part::kScales, outputs)};
    case Scheme::kInt8Torch:
      return Int8TorchMatrix{from.codes<std::int8_t>(kWeight, ElementType::kI8, inputs, outputs),
                             from.vector(Part::kScales, 1).front()};
    case Scheme::kInt4:
      break;
  }
  return extract_int4(from, inputs, outputs, axis);
}

}  // namespace

std::vector<SafeTensor> encoded_tensors(const Mlp& mlp) {
  std::vector<SafeTensor> tensors;
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
    const Collector collect(tensors, l);
    collect(mlp.layers[l].weight);
    collect.bias(mlp.layers[l].bias);
  }
  return tensors;
}

std::vector<SafeTensor> encoded_tensors(const QuantizedMlp& mlp) {
  std::vector<SafeTensor> tensors;
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
    const Collector collect(tensors, l);
    std::visit(collect, mlp.layers[l].weight);
    collect.bias(mlp.layers[l].bias);
  }
  return tensors;
}

std::size_t tensors_per_layer(Scheme scheme) {
  const bool has_scales =
      scheme == Scheme::kInt8 || scheme == Scheme::kInt8Torch || scheme == Scheme::kInt4;
  return has_scales ? 3 : 2;
}

std::string group_axes_text(const QuantizedMlp& mlp) {
  std::vector<std::string_view> names;
  for (const QuantizedLinear& layer : mlp.layers) {
    const GroupAxis axis = std::get<Int4Matrix>(layer.weight).axis;
    names.emplace_back(axis == GroupAxis::kOutputs ? "outputs" : "inputs");
  }
  return fmt::format("{}", fmt::join(names, ","));
}

std::vector<GroupAxis> group_axes_from(std::string_view text, std::size_t layers) {
  std::vector<GroupAxis> axes;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    if (name != "outputs" && name != "inputs")
      throw_error("the model file has the group axis '{}'; expected outputs or inputs", name);
    axes.push_back(name == "outputs" ? GroupAxis::kOutputs : GroupAxis::kInputs);
    if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
  }
  if (axes.size() != layers)
    throw_error("the model file has {} group axes for {} layers", axes.size(), layers);
  return axes;
}

QuantizedMlp decoded_network(const TensorSource& source, Scheme scheme,
                             const std::vector<std::size_t>& sizes,
                             const std::vector<GroupAxis>& axes) {
  QuantizedMlp result;
  result.scheme = scheme;
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const Extractor from(source, l);
    result.layers.push_back({extract_weight(from, scheme, sizes[l], sizes[l + 1], axes[l]),
                             from.vector(Part::kBias, sizes[l + 1])});
  }
  return result;
}

}  // namespace nibble
