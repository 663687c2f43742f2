#include "nibble/formats/onnx_builder.h"

#include <utility>

#include "nibble/core/aligned.h"

namespace nibble {
namespace {

using namespace onnx;

constexpr std::size_t kLongestLength = 5;     // bytes of a varint that holds any size below 2^35
constexpr std::size_t kLongestPadding = 127;  // what a length of one byte can say

WireMessage attribute_message(const OnnxAttribute& attribute) {
  WireMessage message;
  message.text(kAttributeName, attribute.name);
  if (const auto* integer = std::get_if<std::int64_t>(&attribute.value)) {
    message.integer(kAttributeInteger, *integer);
    message.integer(kAttributeType, kTypeInteger);
  } else if (const auto* number = std::get_if<float>(&attribute.value)) {
    message.float32(kAttributeFloat, *number);
    message.integer(kAttributeType, kTypeFloat);
  } else if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    message.text(kAttributeText, *text);
    message.integer(kAttributeType, kTypeText);
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&attribute.value)) {
    for (const std::int64_t each : *integers) message.integer(kAttributeIntegers, each);
    message.integer(kAttributeType, kTypeIntegers);
  } else {
    for (const std::string& each : std::get<std::vector<std::string>>(attribute.value))
      message.text(kAttributeTexts, each);
    message.integer(kAttributeType, kTypeTexts);
  }
  return message;
}

WireMessage value_message(std::string_view name, Type type, std::size_t columns) {
  WireMessage rows;
  rows.text(kDimensionName, "rows");
  WireMessage shape;
  shape.message(kDimension, std::move(rows));
  if (columns != 0) {
    WireMessage width;
    width.integer(kDimensionValue, static_cast<std::int64_t>(columns));
    shape.message(kDimension, std::move(width));
  }
  WireMessage tensor;
  tensor.integer(kElementType, static_cast<std::int64_t>(type));
  tensor.message(kShape, std::move(shape));
  WireMessage of_tensor;
  of_tensor.message(kTypeOfTensor, std::move(tensor));
  WireMessage value;
  value.text(kValueName, name);
  value.message(kValueType, std::move(of_tensor));
  return value;
}

// Where a tensor's elements begin, seen from the tag of the tensor.
std::size_t bytes_before_elements(std::size_t tensor_size, std::size_t elements) {
  return 1 + varint_size(tensor_size) + tensor_size - elements;
}

}  // namespace

std::span<const std::byte> OnnxBuilder::Constant::bytes() const {
  if (const auto* kept = std::get_if<std::string>(&elements)) return bytes_of(*kept);
  return std::get<std::span<const std::byte>>(elements);
}

std::string OnnxBuilder::constant(std::string name, Type type, Shape shape,
                                  std::span<const std::byte> elements) {
  constants_.push_back({name, type, std::move(shape), elements});
  return name;
}

std::string OnnxBuilder::kept_constant(std::string name, Type type, Shape shape,
                                       std::string elements) {
  constants_.push_back({name, type, std::move(shape), std::move(elements)});
  return name;
}

std::string OnnxBuilder::text_constant(std::string name, const std::vector<std::string>& texts) {
  WireMessage message;
  message.integer(kTensorDims, static_cast<std::int64_t>(texts.size()));
  message.integer(kTensorType, static_cast<std::int64_t>(Type::kText));
  for (const std::string& text : texts) message.text(kTensorTexts, text);
  message.text(kTensorName, name);
  texts_.message(kGraphInitializer, std::move(message));
  return name;
}

void OnnxBuilder::node(std::string_view kind, const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs,
                       const std::vector<OnnxAttribute>& attributes, std::string_view domain) {
  WireMessage message;
  for (const std::string& input : inputs) message.text(kNodeInput, input);
  for (const std::string& output : outputs) message.text(kNodeOutput, output);
  message.text(kNodeKind, kind);
  for (const OnnxAttribute& attribute : attributes)
    message.message(kNodeAttribute, attribute_message(attribute));
  if (!domain.empty()) message.text(kNodeDomain, domain);
  nodes_.message(kGraphNode, std::move(message));
}

void OnnxBuilder::input(std::string_view name, Type type, std::size_t columns) {
  values_.message(kGraphInput, value_message(name, type, columns));
}

void OnnxBuilder::output(std::string_view name, Type type, std::size_t columns) {
  values_.message(kGraphOutput, value_message(name, type, columns));
}

void OnnxBuilder::metadata(std::string_view key, std::string_view value) {
  WireMessage entry;
  entry.text(kEntryKey, key);
  entry.text(kEntryValue, value);
  metadata_.message(kModelMetadata, std::move(entry));
}

// A description of spaces is the padding: programs show it, and do nothing else with it.
WireMessage OnnxBuilder::tensor(const Constant& constant, std::size_t padding) {
  WireMessage message;
  for (const std::uint64_t size : constant.shape)
    message.integer(kTensorDims, static_cast<std::int64_t>(size));
  message.integer(kTensorType, static_cast<std::int64_t>(constant.type));
  message.text(kTensorName, constant.name);
  if (padding > 0) message.text(kTensorDoc, std::string(padding, ' '));
  message.view(kTensorRaw, constant.bytes());
  return message;
}

WireMessage OnnxBuilder::graph(std::size_t offset) const {
  WireMessage graph = nodes_;
  graph.text(kGraphName, "nibble");
  graph.append(texts_);
  for (const Constant& constant : constants_) {
    const std::size_t elements = constant.bytes().size();
    WireMessage message = tensor(constant, 0);
    for (std::size_t padding = 1; elements >= kCacheLine && padding < kLongestPadding; ++padding) {
      const std::size_t begin =
          offset + graph.size() + bytes_before_elements(message.size(), elements);
      if (begin % kCacheLine == 0) break;
      message = tensor(constant, padding);
    }
    graph.message(kGraphInitializer, std::move(message));
  }
  graph.append(values_);
  return graph;
}

// Where the graph's bytes begin depends on the length of the number that says how many they are.
void OnnxBuilder::write(const Versions& versions, AtomicFile& file) const {
  WireMessage model;
  model.integer(kModelIrVersion, versions.ir);
  model.text(kModelProducer, "nibble");
  for (const auto& [domain, version] : versions.opsets) {
    WireMessage opset;
    opset.text(kOpsetDomain, domain);
    opset.integer(kOpsetVersion, version);
    model.message(kModelOpset, std::move(opset));
  }
  model.append(metadata_);
  for (std::size_t length_bytes = 1; length_bytes <= kLongestLength; ++length_bytes) {
    WireMessage content = graph(model.size() + 1 + length_bytes);
    if (varint_size(content.size()) > length_bytes) continue;
    model.begin_message(kModelGraph, content.size(), length_bytes);
    model.append(std::move(content));
    break;
  }
  model.write(file);
}

}  // namespace nibble
