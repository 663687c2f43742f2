// Field numbers and constants of ONNX's protocol buffers (onnx/onnx.proto of the ONNX project).
#pragma once

#include <cstdint>

namespace nibble::onnx {

enum ModelField : std::uint32_t {
  kModelIrVersion = 1,
  kModelProducer = 2,
  kModelProducerVersion = 3,
  kModelGraph = 7,
  kModelOpset = 8,
  kModelMetadata = 14,
  kModelFunctions = 25
};
enum OpsetField : std::uint32_t { kOpsetDomain = 1, kOpsetVersion = 2 };
enum EntryField : std::uint32_t { kEntryKey = 1, kEntryValue = 2 };
enum GraphField : std::uint32_t {
  kGraphNode = 1,
  kGraphName = 2,
  kGraphInitializer = 5,
  kGraphInput = 11,
  kGraphOutput = 12,
  kGraphSparseInitializer = 15
};
enum NodeField : std::uint32_t {
  kNodeInput = 1,
  kNodeOutput = 2,
  kNodeName = 3,
  kNodeKind = 4,
  kNodeAttribute = 5,
  kNodeDomain = 7
};
enum AttributeField : std::uint32_t {
  kAttributeName = 1,
  kAttributeFloat = 2,
  kAttributeInteger = 3,
  kAttributeText = 4,
  kAttributeTensor = 5,
  kAttributeFloats = 7,
  kAttributeIntegers = 8,
  kAttributeTexts = 9,
  kAttributeType = 20
};
enum AttributeType : std::uint32_t {
  kTypeFloat = 1,
  kTypeInteger = 2,
  kTypeText = 3,
  kTypeTensor = 4,
  kTypeFloats = 6,
  kTypeIntegers = 7,
  kTypeTexts = 8
};
enum TensorField : std::uint32_t {
  kTensorDims = 1,
  kTensorType = 2,
  kTensorSegment = 3,
  kTensorFloats = 4,
  kTensorInt32s = 5,
  kTensorTexts = 6,
  kTensorInt64s = 7,
  kTensorName = 8,
  kTensorRaw = 9,
  kTensorDoubles = 10,
  kTensorUint64s = 11,
  kTensorDoc = 12,
  kTensorExternal = 13,
  kTensorLocation = 14
};
enum ValueField : std::uint32_t { kValueName = 1, kValueType = 2 };
enum TypeField : std::uint32_t { kTypeOfTensor = 1 };
enum TensorTypeField : std::uint32_t { kElementType = 1, kShape = 2 };
enum ShapeField : std::uint32_t { kDimension = 1, kDimensionValue = 1, kDimensionName = 2 };

// TensorProto.DataType
enum class Type : std::int32_t {
  kNone = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kText = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
  kUint4 = 21,
  kInt4 = 22
};

}  // namespace nibble::onnx
