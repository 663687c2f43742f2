// An ONNX file taken apart, without understanding its graph: views of the file's bytes, which must
// outlive them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/formats/onnx_fields.h"

namespace nibble {

// A file that holds more nodes, tensors or entries than this is no network of ours; a limit keeps
// what a small file can make us allocate small.
inline constexpr std::size_t kMostOnnxParts = 4096;
// Of one node's inputs and outputs, and of one tensor's dimensions.
inline constexpr std::size_t kMostOnnxNames = 16;

struct OnnxTensor {
  std::string_view name;
  onnx::Type type = onnx::Type::kNone;
  std::vector<std::uint64_t> shape;
  std::optional<std::span<const std::byte>> raw;  // the elements, unless they lie in typed fields
  std::span<const std::byte> message;             // the whole tensor

  std::uint64_t elements() const;  // an Error when that is 2^64 or more
};
OnnxTensor read_onnx_tensor(std::span<const std::byte> message);
std::string_view name_of(onnx::Type type);

struct OnnxNode {
  std::string_view kind;
  std::string_view domain;  // empty is ONNX's own
  std::string_view name;
  std::vector<std::string_view> inputs;  // an empty name is an input left out
  std::vector<std::string_view> outputs;
  std::span<const std::byte> message;  // holds the attributes

  bool is(std::string_view its_domain, std::string_view its_kind) const {
    return kind == its_kind && domain == its_domain;
  }
  // "operator 'com.microsoft.Tokenizer' (node 'first')", for sentences.
  std::string description() const;
  // Attributes; an Error if one has another type.
  std::int64_t integer(std::string_view attribute, std::int64_t otherwise) const;
  float number(std::string_view attribute, float otherwise) const;
  std::string_view text(std::string_view attribute, std::string_view otherwise) const;
  std::vector<std::int64_t> integers(std::string_view attribute) const;  // empty if missing
  std::vector<std::string_view> texts(std::string_view attribute) const;
  std::optional<OnnxTensor> tensor(std::string_view attribute) const;
};

struct OnnxValue {
  std::string_view name;
  bool is_tensor = false;
  std::vector<std::optional<std::uint64_t>> shape;  // nothing where a dimension has only a name
};

struct OnnxFile {
  std::int64_t ir_version = 0;
  std::string_view producer;
  std::map<std::string_view, std::string_view> metadata;
  std::map<std::string_view, OnnxTensor> constants;  // the graph's initializers
  std::vector<OnnxValue> inputs;                     // without those that are initializers
  std::vector<OnnxValue> outputs;
  std::span<const std::byte> graph;
};

// An Error when the bytes are no ONNX model, or one that keeps its tensors elsewhere.
OnnxFile read_onnx_file(std::span<const std::byte> file);
// Whether a file begins as every ONNX file that programs write: with its IR version.
bool looks_like_onnx(std::span<const std::byte> file);

// Calls visit with the graph's nodes, in the file's order (ONNX asks for an order in which a value
// is made before it is used).
void for_each_node(const OnnxFile& file, const std::function<void(const OnnxNode&)>& visit);

}  // namespace nibble
