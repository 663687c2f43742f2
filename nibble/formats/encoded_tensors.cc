#include "nibble/formats/encoded_tensors.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/quant/static_range.h"

namespace nibble {
namespace {

enum class Part { kWeight, kScales, kZeros, kCentroids, kNormCodes, kNorms, kBias };

std::string name_of(std::size_t layer, Part part) {
  constexpr std::array<std::string_view, 7> kNames = {"weight",     "scales", "zeros", "centroids",
                                                      "norm_codes", "norms",  "bias"};
  return fmt::format("layers.{}.{}", layer, kNames[static_cast<std::size_t>(part)]);
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
  void operator()(const GroupedMatrix& matrix) const {
    bytes(Part::kWeight, matrix.codes);
    tensors_.push_back(tensor_of(name_of(layer_, Part::kScales), ElementType::kF16, matrix.scales));
    if (matrix.form.asymmetric)
      tensors_.push_back(tensor_of(name_of(layer_, Part::kZeros), ElementType::kU8, matrix.zeros));
  }
  void operator()(const PqMatrix& matrix) const {
    bytes(Part::kWeight, matrix.codes);
    tensors_.push_back(
        tensor_of(name_of(layer_, Part::kCentroids), ElementType::kF16, matrix.centroids));
    if (!matrix.form.norms) return;
    bytes(Part::kNormCodes, matrix.norm_codes);
    tensors_.push_back(tensor_of(name_of(layer_, Part::kNorms), ElementType::kF16, matrix.norms));
  }
  void bias(std::span<const float> values) const {
    tensors_.push_back(tensor_of(name_of(layer_, Part::kBias), values));
  }

 private:
  template <typename AnyMatrix>
  void weight(ElementType type, const AnyMatrix& matrix) const {
    tensors_.push_back(tensor_of(name_of(layer_, Part::kWeight), type, matrix));
  }
  // A matrix of one row, as a tensor with one dimension.
  void bytes(Part part, const SharedMatrix<std::uint8_t>& row) const {
    tensors_.push_back(
        {name_of(layer_, part), ElementType::kU8, {row.columns}, std::as_bytes(row.values)});
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
    copy_from_file(source_.owner.get(), bytes, result.values.data());
    return result;
  }

  // A tensor with one dimension, as a matrix of one row.
  SharedMatrix<std::uint8_t> bytes(Part part, std::size_t size) const {
    const auto found = tensor(part, ElementType::kU8, {size});
    const std::span<const std::uint8_t> values{reinterpret_cast<const std::uint8_t*>(found.data()),
                                               size};
    if (source_.owner != nullptr) return {1, size, values, source_.owner};
    Matrix<std::uint8_t> copy(1, size);
    std::ranges::copy(values, copy.values.begin());
    return copy;
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

// Checks before anything asks for memory: sizes come from a file.
std::size_t weights_in(std::size_t inputs, std::size_t outputs) {
  const auto weights = checked_product(inputs, outputs);
  if (!weights || *weights > std::numeric_limits<std::size_t>::max() / 16)
    throw_error("a layer of {} x {} weights is beyond any file", inputs, outputs);
  return *weights;
}

GroupedMatrix extract_grouped(const Extractor& from, const GroupedForm& form, std::size_t inputs,
                              std::size_t outputs) {
  const std::size_t weights = weights_in(inputs, outputs);
  const std::size_t lines = blocks_along(inputs, form.block.inputs);
  const std::size_t in_line = blocks_along(outputs, form.block.outputs);
  GroupedMatrix result{form, inputs, outputs, {}, {}, {}};
  result.codes = from.bytes(Part::kWeight, packed_bytes(form.kind, weights));
  result.scales = from.codes<std::uint16_t>(Part::kScales, ElementType::kF16, lines, in_line);
  if (form.asymmetric)
    result.zeros = from.codes<std::uint8_t>(Part::kZeros, ElementType::kU8, lines, in_line);
  return result;
}

PqMatrix extract_pq(const Extractor& from, const PqForm& form, std::size_t inputs,
                    std::size_t outputs) {
  static_cast<void>(weights_in(inputs, outputs));
  const PqLayout layout(form, inputs, outputs);
  PqMatrix result{form, inputs, outputs, {}, {}, {}, {}};
  result.codes = from.bytes(Part::kWeight, layout.code_bytes);
  result.centroids = from.codes<std::uint16_t>(Part::kCentroids, ElementType::kF16,
                                               layout.books * layout.centroids, layout.width);
  if (!form.norms) return result;
  result.norm_codes = from.bytes(Part::kNormCodes, inputs);
  result.norms = from.codes<std::uint16_t>(Part::kNorms, ElementType::kF16, 1, layout.norms);
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
    case Scheme::kMixed:
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

std::size_t tensor_count(const QuantizedMlp& mlp) { return encoded_tensors(mlp).size(); }

std::string layer_encodings_text(const QuantizedMlp& mlp) {
  std::vector<std::string> texts;
  for (const QuantizedLinear& layer : mlp.layers)
    texts.push_back(encoding_name(layer.weight) + (layer.input ? "@" + text_of(*layer.input) : "") +
                    (layer.is_factor ? "+" : ""));
  return fmt::format("{}", fmt::join(texts, ","));
}

namespace {

LayerEncoding layer_encoding_from(std::string_view text) {
  LayerEncoding result;
  result.is_factor = text.ends_with('+');
  if (result.is_factor) text.remove_suffix(1);
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    result.input = static_quantization_from(text.substr(at + 1));
    text = text.substr(0, at);
  }
  if (text == "int4:outputs" || text == "int4:inputs") {
    result.encoding = Scheme::kInt4;
    result.axis = text == "int4:outputs" ? GroupAxis::kOutputs : GroupAxis::kInputs;
    return result;
  }
  result.encoding = encoding_from(text);
  const auto* scheme = std::get_if<Scheme>(&result.encoding);
  const auto* choice = std::get_if<GroupedChoice>(&result.encoding);
  if (choice == nullptr && scheme == nullptr) return result;  // pq
  const bool known = scheme != nullptr ? *scheme != Scheme::kInt4 && *scheme != Scheme::kInt8Torch
                                       : choice->granularity == Granularity::kBlock;
  if (!known) throw_error("the model file has a layer in the encoding '{}'", text);
  return result;
}

EncodedMatrix extract_layer(const Extractor& from, const LayerEncoding& layer, std::size_t inputs,
                            std::size_t outputs) {
  if (const auto* scheme = std::get_if<Scheme>(&layer.encoding))
    return extract_weight(from, *scheme, inputs, outputs, layer.axis);
  if (const auto* form = std::get_if<PqForm>(&layer.encoding))
    return extract_pq(from, *form, inputs, outputs);
  return extract_grouped(from, form_of(std::get<GroupedChoice>(layer.encoding), layer.axis), inputs,
                         outputs);
}

}  // namespace

std::vector<LayerEncoding> layer_encodings_from(std::string_view text, std::size_t layers) {
  std::vector<LayerEncoding> encodings;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = text.find(',');
    encodings.push_back(layer_encoding_from(text.substr(0, comma)));
    if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
  }
  if (encodings.size() != layers)
    throw_error("the model file has {} encodings for {} layers", encodings.size(), layers);
  if (encodings.back().is_factor)
    throw_error("the model file has a last layer that is a factor of none");
  return encodings;
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

QuantizedMlp decoded_network(const TensorSource& source, const std::vector<std::size_t>& sizes,
                             const std::vector<LayerEncoding>& layers) {
  QuantizedMlp result;
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const Extractor from(source, l);
    const LayerEncoding& layer = layers[l];
    result.layers.push_back({extract_layer(from, layer, sizes[l], sizes[l + 1]),
                             from.vector(Part::kBias, sizes[l + 1]), layer.is_factor, layer.input});
  }
  result.scheme = common_scheme(result.layers);
  return result;
}

}  // namespace nibble
