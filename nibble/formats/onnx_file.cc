#include "nibble/formats/onnx_file.h"

#include <utility>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/element_type.h"
#include "nibble/formats/protobuf.h"

namespace nibble {
namespace {

using namespace onnx;
using Bytes = std::span<const std::byte>;

constexpr std::size_t kMostDescribed = 100;  // characters of a name in a sentence
constexpr std::string_view kModelText = "the ONNX model";
constexpr std::string_view kGraphText = "the ONNX graph";
constexpr std::string_view kNodeText = "a node of the ONNX graph";
constexpr std::string_view kPartText = "an attribute of the ONNX graph";
constexpr std::string_view kTensorText = "a tensor of the ONNX graph";
constexpr std::string_view kValueText = "a value of the ONNX graph";

template <typename Visit>
void for_each_field(Bytes message, std::string_view what, Visit&& visit) {
  WireReader reader(message, what);
  while (const std::optional<WireField> field = reader.next()) visit(*field);
}

void require_room(std::size_t count, std::size_t most, std::string_view what) {
  if (count >= most) throw_error("{} has more than {} parts of one kind", what, most);
}

// A repeated number: packed into one field, or each a field of its own.
template <typename T>
void append_integers(const WireField& field, std::string_view what, std::size_t most,
                     std::vector<T>& numbers) {
  const auto append = [&](std::uint64_t value) {
    require_room(numbers.size(), most, what);
    numbers.push_back(static_cast<T>(value));
  };
  if (field.type == WireType::kVarint) return append(field.value);
  ByteReader packed(field.message(), what);
  while (packed.left() > 0) append(read_varint(packed, what));
}

// The first and only one of the fields that an attribute's value stands in.
std::optional<Bytes> find_attribute(const OnnxNode& node, std::string_view name) {
  std::optional<Bytes> found;
  for_each_field(node.message, kNodeText, [&](const WireField& field) {
    if (field.number != kNodeAttribute || found) return;
    for_each_field(field.message(), kPartText, [&](const WireField& part) {
      if (part.number == kAttributeName && part.text() == name) found = field.message();
    });
  });
  return found;
}

// The field of an attribute that holds its value; an Error where the attribute has another type.
template <typename Visit>
bool visit_attribute(const OnnxNode& node, std::string_view name, std::uint32_t number,
                     Visit&& visit) {
  const std::optional<Bytes> attribute = find_attribute(node, name);
  if (!attribute) return false;
  bool seen = false;
  for_each_field(*attribute, kPartText, [&](const WireField& field) {
    if (field.number != number) return;
    seen = true;
    visit(field);
  });
  const bool may_be_empty = number == kAttributeIntegers || number == kAttributeTexts;
  if (!seen && !may_be_empty && number != kAttributeInteger && number != kAttributeFloat)
    throw_error("the attribute '{}' of {} has an unexpected type", name, node.description());
  return true;
}

std::pair<std::string_view, std::string_view> read_entry(Bytes message) {
  std::pair<std::string_view, std::string_view> entry;
  for_each_field(message, "the metadata of the ONNX model", [&](const WireField& field) {
    if (field.number == kEntryKey) entry.first = field.text();
    if (field.number == kEntryValue) entry.second = field.text();
  });
  return entry;
}

std::optional<std::uint64_t> read_dimension(Bytes message) {
  std::optional<std::uint64_t> size;
  for_each_field(message, kValueText, [&](const WireField& field) {
    if (field.number == kDimensionValue && field.type == WireType::kVarint) size = field.value;
  });
  return size;
}

void read_tensor_type(Bytes message, OnnxValue& value) {
  for_each_field(message, kValueText, [&](const WireField& field) {
    if (field.number != kShape) return;
    for_each_field(field.message(), kValueText, [&](const WireField& dimension) {
      if (dimension.number != kDimension) return;
      require_room(value.shape.size(), kMostOnnxNames, kValueText);
      value.shape.push_back(read_dimension(dimension.message()));
    });
  });
}

OnnxValue read_value(Bytes message) {
  OnnxValue value;
  for_each_field(message, kValueText, [&](const WireField& field) {
    if (field.number == kValueName) value.name = field.text();
    if (field.number != kValueType) return;
    for_each_field(field.message(), kValueText, [&](const WireField& type) {
      if (type.number != kTypeOfTensor) return;
      value.is_tensor = true;
      read_tensor_type(type.message(), value);
    });
  });
  return value;
}

OnnxNode read_node(Bytes message) {
  OnnxNode node;
  node.message = message;
  const auto append = [](std::vector<std::string_view>& names, const WireField& field) {
    require_room(names.size(), kMostOnnxNames, kNodeText);
    names.push_back(field.text());
  };
  for_each_field(message, kNodeText, [&](const WireField& field) {
    if (field.number == kNodeInput) append(node.inputs, field);
    if (field.number == kNodeOutput) append(node.outputs, field);
    if (field.number == kNodeName) node.name = field.text();
    if (field.number == kNodeKind) node.kind = field.text();
    if (field.number == kNodeDomain && field.text() != "ai.onnx") node.domain = field.text();
  });
  return node;
}

void add_constant(OnnxFile& file, Bytes message) {
  require_room(file.constants.size(), kMostOnnxParts, kGraphText);
  OnnxTensor tensor = read_onnx_tensor(message);
  const std::string_view name = tensor.name;
  if (!file.constants.emplace(name, std::move(tensor)).second)
    throw_error("the ONNX graph has the tensor '{}' twice", name.substr(0, kMostDescribed));
}

void read_graph(OnnxFile& file) {
  for_each_field(file.graph, kGraphText, [&](const WireField& field) {
    if (field.number == kGraphInitializer) add_constant(file, field.message());
    if (field.number == kGraphSparseInitializer)
      throw_error("the ONNX graph has sparse tensors; expected dense ones");
    if (field.number != kGraphInput && field.number != kGraphOutput) return;
    auto& values = field.number == kGraphInput ? file.inputs : file.outputs;
    require_room(values.size(), kMostOnnxParts, kGraphText);
    values.push_back(read_value(field.message()));
  });
  // Files of IR version 3 list their tensors among the inputs, too.
  std::erase_if(file.inputs, [&](const OnnxValue& input) {
    return file.constants.find(input.name) != file.constants.end();
  });
}

}  // namespace

std::string_view name_of(Type type) {
  switch (type) {
    case Type::kFloat:
      return "float32";
    case Type::kUint8:
      return "uint8";
    case Type::kInt8:
      return "int8";
    case Type::kInt32:
      return "int32";
    case Type::kInt64:
      return "int64";
    case Type::kText:
      return "text";
    case Type::kBool:
      return "bool";
    case Type::kFloat16:
      return "float16";
    case Type::kDouble:
      return "float64";
    case Type::kBfloat16:
      return "bfloat16";
    case Type::kUint4:
      return "uint4";
    case Type::kInt4:
      return "int4";
    default:
      return "another type";
  }
}

std::uint64_t OnnxTensor::elements() const {
  std::optional<std::uint64_t> count = 1;
  for (const std::uint64_t size : shape) count = count ? checked_product(*count, size) : count;
  if (!count)
    throw_error("the tensor '{}' has the shape [{}], which no memory holds",
                name.substr(0, kMostDescribed), fmt::join(shape, ", "));
  return *count;
}

OnnxTensor read_onnx_tensor(Bytes message) {
  OnnxTensor tensor;
  tensor.message = message;
  for_each_field(message, kTensorText, [&](const WireField& field) {
    switch (field.number) {
      case kTensorDims:
        return append_integers(field, kTensorText, kMostOnnxNames, tensor.shape);
      case kTensorType:
        tensor.type = static_cast<Type>(field.integer());
        return;
      case kTensorName:
        tensor.name = field.text();
        return;
      case kTensorRaw:
        tensor.raw = field.message();
        return;
      case kTensorExternal:
      case kTensorSegment:
        throw_error(
            "the ONNX file keeps its tensors in other files (external data), which nibble does not "
            "open; save it as one file: onnx.save(model, path, save_as_external_data=False)");
      default:
        return;
    }
  });
  return tensor;
}

std::string OnnxNode::description() const {
  const std::string_view dot = domain.empty() ? "" : ".";
  std::string text = fmt::format("operator '{}{}{}'", domain.substr(0, kMostDescribed), dot,
                                 kind.substr(0, kMostDescribed));
  if (!name.empty()) text += fmt::format(" (node '{}')", name.substr(0, kMostDescribed));
  return text;
}

std::int64_t OnnxNode::integer(std::string_view attribute, std::int64_t otherwise) const {
  std::int64_t value = 0;  // a zero may be left out of the file
  const bool found = visit_attribute(*this, attribute, kAttributeInteger,
                                     [&](const WireField& field) { value = field.integer(); });
  return found ? value : otherwise;
}

float OnnxNode::number(std::string_view attribute, float otherwise) const {
  float value = 0.0F;
  const bool found = visit_attribute(*this, attribute, kAttributeFloat,
                                     [&](const WireField& field) { value = field.float32(); });
  return found ? value : otherwise;
}

std::string_view OnnxNode::text(std::string_view attribute, std::string_view otherwise) const {
  std::string_view value = otherwise;
  visit_attribute(*this, attribute, kAttributeText,
                  [&](const WireField& field) { value = field.text(); });
  return value;
}

std::vector<std::int64_t> OnnxNode::integers(std::string_view attribute) const {
  std::vector<std::int64_t> values;
  visit_attribute(*this, attribute, kAttributeIntegers, [&](const WireField& field) {
    append_integers(field, kPartText, kMostOnnxParts, values);
  });
  return values;
}

std::vector<std::string_view> OnnxNode::texts(std::string_view attribute) const {
  std::vector<std::string_view> values;
  visit_attribute(*this, attribute, kAttributeTexts, [&](const WireField& field) {
    require_room(values.size(), kMostOnnxParts, kPartText);
    values.push_back(field.text());
  });
  return values;
}

std::optional<OnnxTensor> OnnxNode::tensor(std::string_view attribute) const {
  std::optional<OnnxTensor> value;
  visit_attribute(*this, attribute, kAttributeTensor,
                  [&](const WireField& field) { value = read_onnx_tensor(field.message()); });
  return value;
}

bool looks_like_onnx(Bytes file) {
  constexpr auto kIrVersionTag = std::byte{kModelIrVersion << 3};
  constexpr auto kNewestImaginable = std::byte{0x7F};
  return file.size() >= 2 && file[0] == kIrVersionTag && file[1] <= kNewestImaginable;
}

OnnxFile read_onnx_file(Bytes bytes) {
  OnnxFile file;
  bool has_graph = false;
  for_each_field(bytes, kModelText, [&](const WireField& field) {
    if (field.number == kModelIrVersion) file.ir_version = field.integer();
    if (field.number == kModelProducer) file.producer = field.text();
    if (field.number == kModelMetadata) {
      require_room(file.metadata.size(), kMostOnnxParts, kModelText);
      file.metadata.insert(read_entry(field.message()));
    }
    if (field.number == kModelFunctions)
      throw_error("the ONNX model defines functions of its own; export it without them");
    if (field.number != kModelGraph) return;
    if (has_graph) throw_error("the ONNX model has two graphs");
    has_graph = true;
    file.graph = field.message();
  });
  if (!has_graph) throw_error("the ONNX model has no graph; the file is damaged");
  read_graph(file);
  return file;
}

void for_each_node(const OnnxFile& file, const std::function<void(const OnnxNode&)>& visit) {
  std::size_t count = 0;
  for_each_field(file.graph, kGraphText, [&](const WireField& field) {
    if (field.number != kGraphNode) return;
    require_room(count++, kMostOnnxParts, kGraphText);
    visit(read_node(field.message()));
  });
}

}  // namespace nibble
