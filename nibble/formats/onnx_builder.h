// An ONNX model under construction: nodes, constants, inputs and outputs, in the order they are
// added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nibble/core/file.h"
#include "nibble/formats/onnx_fields.h"
#include "nibble/formats/protobuf.h"

namespace nibble {

struct OnnxAttribute {
  std::string_view name;
  std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
               std::vector<std::string>>
      value;
};

class OnnxBuilder {
 public:
  using Shape = std::vector<std::uint64_t>;

  // The elements are viewed: they must stay until the model is written. Returns the name.
  std::string constant(std::string name, onnx::Type type, Shape shape,
                       std::span<const std::byte> elements);
  // The same, the elements kept here.
  std::string kept_constant(std::string name, onnx::Type type, Shape shape, std::string elements);
  std::string text_constant(std::string name, const std::vector<std::string>& texts);

  void node(std::string_view kind, const std::vector<std::string>& inputs,
            const std::vector<std::string>& outputs,
            const std::vector<OnnxAttribute>& attributes = {}, std::string_view domain = "");

  // A matrix of `rows` rows; a column count of 0 means a vector.
  void input(std::string_view name, onnx::Type type, std::size_t columns);
  void output(std::string_view name, onnx::Type type, std::size_t columns);
  void metadata(std::string_view key, std::string_view value);

  struct Versions {
    std::int64_t ir = 0;
    std::map<std::string, std::int64_t> opsets;  // by domain; "" is ONNX's own
  };
  // Every constant of at least a cache line begins at a multiple of 64 of the file.
  void write(const Versions& versions, AtomicFile& file) const;

 private:
  struct Constant {
    std::string name;
    onnx::Type type;
    Shape shape;
    std::variant<std::span<const std::byte>, std::string> elements;
    std::span<const std::byte> bytes() const;
  };
  static WireMessage tensor(const Constant& constant, std::size_t padding);
  WireMessage graph(std::size_t offset) const;

  WireMessage nodes_;
  WireMessage values_;
  WireMessage texts_;  // constants of text
  WireMessage metadata_;
  std::vector<Constant> constants_;
};

}  // namespace nibble
