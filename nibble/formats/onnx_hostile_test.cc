// ONNX files that lie: each is an Error with a sentence, and none makes us allocate what it claims.
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/formats/onnx.h"
#include "nibble/formats/onnx_fields.h"
#include "nibble/formats/protobuf.h"
#include "nibble/formats/test_models.h"

namespace nibble {
namespace {

using namespace onnx;

constexpr std::int64_t kFloatType = static_cast<std::int64_t>(Type::kFloat);

WireMessage tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                   const std::string& raw, std::int64_t type = kFloatType) {
  WireMessage message;
  for (const std::int64_t size : shape) message.integer(kTensorDims, size);
  message.integer(kTensorType, type);
  message.text(kTensorName, name);
  message.text(kTensorRaw, raw);
  return message;
}

WireMessage node(const std::string& kind, const std::vector<std::string>& inputs,
                 const std::string& output) {
  WireMessage message;
  for (const std::string& input : inputs) message.text(kNodeInput, input);
  message.text(kNodeOutput, output);
  message.text(kNodeKind, kind);
  return message;
}

WireMessage value(const std::string& name) {
  WireMessage message;
  message.text(kValueName, name);
  return message;
}

class HostileOnnxTest : public FolderTest {
 protected:
  // y = x w, with this tensor for w; `more` comes behind in the graph.
  void refused_graph(const WireMessage& weight, const std::string& because,
                     const WireMessage& more = {}) {
    WireMessage graph;
    graph.message(kGraphNode, node("MatMul", {"x", "w"}, "y"));
    graph.message(kGraphInitializer, weight);
    graph.message(kGraphInput, value("x"));
    graph.message(kGraphOutput, value("y"));
    graph.append(more);
    refused_model([&](WireMessage& model) { model.message(kModelGraph, graph); }, because);
  }

  void refused_model(const std::function<void(WireMessage&)>& fill, const std::string& because) {
    WireMessage model;
    model.integer(kModelIrVersion, 8);
    fill(model);
    const std::string bytes = written([&](AtomicFile& file) { model.write(file); });
    expect_refused([&] { read_onnx(bytes_of(bytes)); }, because);
  }
};

std::string floats(std::initializer_list<float> values) {
  return std::string(text_of(std::as_bytes(std::span(values.begin(), values.size()))));
}

TEST_F(HostileOnnxTest, ShapesThatDoNotMatchTheBytes) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  refused_graph(tensor("w", {2, 2}, floats({1, 2, 3})), "another number of elements");
  refused_graph(tensor("w", {2, 2}, floats({1, 2, 3, 4, 5})), "another number of elements");
  refused_graph(tensor("w", {kHuge, 4}, floats({1})), "no memory holds");
  refused_graph(tensor("w", {kHuge, 1}, floats({1})), "only");
  refused_graph(tensor("w", {-1, -1}, floats({1})), "no memory holds");
  refused_graph(tensor("w", {-1, 1}, floats({1})), "only");
  refused_graph(tensor("w", {0, 2}, ""), "expected a layer's matrix");
  refused_graph(tensor("w", {2}, floats({1, 2})), "expected a layer's matrix");
  refused_graph(tensor("w", std::vector<std::int64_t>(17, 1), floats({1})), "more than 16");
}

TEST_F(HostileOnnxTest, NumbersThatAreNone) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  refused_graph(tensor("w", {1, 2}, floats({1, kNan})), "must be finite");
  refused_graph(tensor("w", {1, 2}, floats({kInfinity, 1})), "must be finite");
  refused_graph(tensor("w", {1, 1}, "abcdefgh", 14), "type 14");  // complex64
  refused_graph(tensor("w", {1, 1}, "abcdefgh", 1234), "type 1234");
}

TEST_F(HostileOnnxTest, ThingsThatStandTwice) {
  WireMessage twin;
  twin.message(kGraphInitializer, tensor("w", {1, 1}, floats({1})));
  refused_graph(tensor("w", {1, 1}, floats({1})), "twice", twin);
  refused_model(
      [](WireMessage& model) {
        model.message(kModelGraph, value("x"));
        model.message(kModelGraph, value("x"));
      },
      "two graphs");
  refused_model([](WireMessage& /*model*/) {}, "no graph");
}

TEST_F(HostileOnnxTest, TensorsElsewhere) {
  WireMessage weight = tensor("w", {1, 1}, "");
  WireMessage entry;
  entry.text(kEntryKey, "location");
  entry.text(kEntryValue, "/etc/passwd");
  weight.message(kTensorExternal, entry);
  refused_graph(weight, "external data");
}

TEST_F(HostileOnnxTest, MoreNodesThanAnyNetworkHas) {
  WireMessage more;
  for (int i = 0; i < 5000; ++i) more.message(kGraphNode, node("Identity", {"x"}, "z"));
  refused_graph(tensor("w", {1, 1}, floats({1})), "more than 4096", more);
  WireMessage tensors;
  for (int i = 0; i < 5000; ++i)
    tensors.message(kGraphInitializer, tensor(std::to_string(i), {1}, floats({1})));
  refused_graph(tensor("w", {1, 1}, floats({1})), "more than 4096", tensors);
}

TEST_F(HostileOnnxTest, NamesOfWhatIsNotThere) {
  WireMessage more;
  more.message(kGraphNode, node("Relu", {"nowhere"}, "z"));
  refused_graph(tensor("w", {1, 1}, floats({1})), "'nowhere', which nothing before it gives", more);
  WireMessage bare;
  bare.message(kGraphNode, node("Relu", {}, "z"));
  refused_graph(tensor("w", {1, 1}, floats({1})), "has no input 0", bare);
}

// A message within a message within ...: unknown fields are passed by, whatever is in them.
TEST_F(HostileOnnxTest, DeepNestingIsPassedBy) {
  WireMessage nested = value("x");
  for (int depth = 0; depth < 2000; ++depth) {
    WireMessage outer;
    outer.message(kGraphName, nested);
    nested = outer;
  }
  refused_model([&](WireMessage& model) { model.message(kModelGraph, nested); }, "takes 0 inputs");
}

}  // namespace
}  // namespace nibble
