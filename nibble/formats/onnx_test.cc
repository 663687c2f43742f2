#include "nibble/formats/onnx.h"

#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "nibble/formats/model_file.h"
#include "nibble/formats/onnx_builder.h"
#include "nibble/formats/onnx_file.h"
#include "nibble/formats/test_models.h"

namespace nibble {
namespace {

class OnnxTest : public FolderTest {
 protected:
  std::string onnx_of(const Model& model) const {
    return written([&](AtomicFile& file) { write_onnx(model, file); });
  }
};

// kOutputs in the first layer of words, kInputs in the others, and -128 in int8-torch.
std::vector<Model> all_models() {
  std::vector<Model> models = {word_model(), number_model()};
  for (const Scheme scheme : kSchemes) {
    if (scheme == Scheme::kF32) continue;
    models.push_back(quantized_model(word_model(), scheme));
    models.push_back(quantized_model(number_model(), scheme));
  }
  return models;
}

TEST_F(OnnxTest, EveryModelIsReadBackToTheBit) {
  for (const Model& model : all_models()) {
    SCOPED_TRACE(name_of(model.scheme()));
    const std::string bytes = onnx_of(model);
    expect_same(read_onnx(bytes_of(bytes)), model);
    EXPECT_EQ(onnx_of(model), bytes);
  }
}

TEST_F(OnnxTest, AGraphThatTakesTextIsReadBackToo) {
  for (const Scheme scheme : {Scheme::kF32, Scheme::kInt8, Scheme::kInt4}) {
    Model model = word_model();
    if (scheme != Scheme::kF32) model = quantized_model(model, scheme);
    const std::string bytes =
        written([&](AtomicFile& file) { write_onnx(model, file, {.text = true}); });
    expect_same(read_onnx(bytes_of(bytes)), model);
  }
  expect_refused(
      [this] {
        written([](AtomicFile& file) { write_onnx(number_model(), file, {.text = true}); });
      },
      "takes numbers");
}

TEST_F(OnnxTest, HashedWordsAreReadBackAndRefusedAsText) {
  expect_same(read_onnx(bytes_of(onnx_of(hashed_model()))), hashed_model());
  expect_refused(
      [this] {
        written([](AtomicFile& file) { write_onnx(hashed_model(), file, {.text = true}); });
      },
      "counts of 33 buckets");
}

TEST_F(OnnxTest, AMappedFileKeepsCodesWhereTheyLie) {
  const auto path = folder_ / "model.onnx";
  for (const Model& model : all_models()) {
    save_model(model, path);
    expect_same(load_model(path), model);
  }
  Mlp wide = initialised_mlp({64, {64}, 2}, 1);
  Model model = number_model();
  model.network = quantize(wide, Scheme::kInt8, InputKind::kDense);
  model.featurizer = Numeric{64, 1.0F};
  save_model(model, path);
  const auto file = std::make_shared<const MappedFile>(path);
  const Model read = read_onnx(file->bytes(), file);
  const auto& codes =
      std::get<Int8Matrix>(std::get<QuantizedMlp>(read.network).layers.front().weight).codes;
  EXPECT_EQ(codes.owner, file);
  expect_same_network(read, model);
}

TEST_F(OnnxTest, LargeConstantsLieAtMultiplesOf64) {
  for (const Model& model : all_models()) {
    const std::string bytes = onnx_of(model);
    const OnnxFile file = read_onnx_file(bytes_of(bytes));
    for (const auto& [name, tensor] : file.constants) {
      if (tensor.raw->size() < kCacheLine) continue;
      EXPECT_EQ((tensor.raw->data() - bytes_of(bytes).data()) % 64, 0) << name;
    }
  }
}

TEST_F(OnnxTest, TruncatedFilesAreRefused) {
  expect_truncations_refused(onnx_of(quantized_model(word_model(), Scheme::kInt8)),
                             [](auto bytes) { read_onnx(bytes); });
}

TEST_F(OnnxTest, StorageIsThatOfTheFile) {
  const auto path = folder_ / "model.onnx";
  const Model model = quantized_model(word_model(), Scheme::kInt8);
  save_model(model, path);
  const StorageBreakdown storage = storage_breakdown(model, path);
  EXPECT_EQ(storage.weights, 33U * 31 + 31 * 5 + 5 * 3);
  EXPECT_EQ(storage.scales, 4U * (31 + 5 + 3));
  EXPECT_EQ(storage.biases, 4U * (31 + 5 + 3));
  EXPECT_GT(storage.rest(), 0U);
  EXPECT_LT(storage.rest(), storage.file);
}

// Small graphs as other programs write them.
class ForeignOnnxTest : public OnnxTest {
 protected:
  using Attributes = std::vector<OnnxAttribute>;

  std::string floats(const std::string& name, OnnxBuilder::Shape shape, std::vector<float> values) {
    return builder_.kept_constant(name, onnx::Type::kFloat, std::move(shape),
                                  std::string(text_of(std::as_bytes(std::span(values)))));
  }
  std::string bytes_constant(const std::string& name, onnx::Type type, OnnxBuilder::Shape shape,
                             std::vector<int> values) {
    return builder_.kept_constant(name, type, std::move(shape),
                                  std::string(values.begin(), values.end()));
  }
  void node(std::string_view kind, const std::vector<std::string>& inputs,
            const std::string& output, const Attributes& attributes = {},
            std::string_view domain = "") {
    builder_.node(kind, inputs, {output}, attributes, domain);
  }
  Model read(const std::string& output = "y") {
    builder_.input("x", onnx::Type::kFloat, 2);
    builder_.output(output, onnx::Type::kFloat, 2);
    const std::string bytes = written([&](AtomicFile& file) {
      builder_.write({8, {{"", 14}}}, file);
    });
    return read_onnx(bytes_of(bytes));
  }
  void refused(const std::string& because) {
    expect_refused([this] { read(); }, because);
  }
  // y = x [[1, 2], [3, 4]]
  void add_matmul(const std::string& input, const std::string& output) {
    node("MatMul", {input, floats("w" + output, {2, 2}, {1, 2, 3, 4})}, output);
  }

  OnnxBuilder builder_;
};

const Mlp& floats_of_model(const Model& model) { return std::get<Mlp>(model.network); }

TEST_F(ForeignOnnxTest, PyTorchsGemmIsTurned) {
  node("Flatten", {"x"}, "flat", {{"axis", std::int64_t{1}}});
  node("Gemm", {"flat", floats("w", {3, 2}, {1, 2, 3, 4, 5, 6}), floats("b", {3}, {7, 8, 9})}, "h",
       {{"alpha", 1.0F}, {"beta", 1.0F}, {"transB", std::int64_t{1}}});
  node("Relu", {"h"}, "r");
  node("Dropout", {"r"}, "d");
  node("Gemm", {"d", floats("v", {3, 2}, {1, 0, 0, 1, 1, 1})}, "y");
  const Model model = read();
  EXPECT_EQ(floats_of_model(model).layers[0].weight.values,
            (AlignedVector<float>{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(floats_of_model(model).layers[0].bias, (AlignedVector<float>{7, 8, 9}));
  EXPECT_EQ(floats_of_model(model).layers[1].bias, (AlignedVector<float>{0, 0}));
  EXPECT_EQ(model.labels, (LabelNames{"0", "1"}));
  EXPECT_EQ(std::get<Numeric>(model.featurizer).columns, 2U);
}

TEST_F(ForeignOnnxTest, AlphaAndBetaAreMultipliedIn) {
  node("Gemm", {"x", floats("w", {2, 2}, {1, 2, 3, 4}), floats("b", {1}, {10})}, "y",
       {{"alpha", 2.0F}, {"beta", 0.5F}});
  const Model model = read();
  EXPECT_EQ(floats_of_model(model).layers[0].weight.values, (AlignedVector<float>{2, 4, 6, 8}));
  EXPECT_EQ(floats_of_model(model).layers[0].bias, (AlignedVector<float>{5, 5}));
}

TEST_F(ForeignOnnxTest, ABinaryClassifierOfScikitLearnGetsTwoLogits) {
  node("Cast", {"x"}, "c", {{"to", std::int64_t{1}}});
  node("MatMul", {"c", floats("w", {2, 1}, {3, 4})}, "m");
  node("Add", {"m", floats("b", {1}, {5})}, "a");
  node("Sigmoid", {"a"}, "p");
  node("Sub", {floats("one", {1}, {1}), "p"}, "n");
  node("Concat", {"n", "p"}, "both", {{"axis", std::int64_t{1}}});
  node("ArgMax", {"both"}, "place", {{"axis", std::int64_t{1}}});
  node("ArrayFeatureExtractor", {builder_.text_constant("classes", {"bad", "good"}), "place"},
       "name", {}, "ai.onnx.ml");
  node("Reshape", {"name", "shape"}, "y");
  builder_.kept_constant("shape", onnx::Type::kInt64, {1}, std::string(8, '\xff'));
  const Model model = read();
  EXPECT_EQ(floats_of_model(model).layers[0].weight.values, (AlignedVector<float>{0, 3, 0, 4}));
  EXPECT_EQ(floats_of_model(model).layers[0].bias, (AlignedVector<float>{0, 5}));
  EXPECT_EQ(model.labels, (LabelNames{"bad", "good"}));
}

TEST_F(ForeignOnnxTest, DynamicQuantizationKeepsItsCodes) {
  builder_.node("DynamicQuantizeLinear", {"x"}, {"q", "s", "z"});
  bytes_constant("w", onnx::Type::kUint8, {2, 2}, {129, 255, 1, 120});
  node("MatMulInteger", {"q", "w", "z", bytes_constant("wz", onnx::Type::kUint8, {}, {128})},
       "sums");
  node("Cast", {"sums"}, "f", {{"to", std::int64_t{1}}});
  node("Mul", {"s", floats("ws", {}, {0.5F})}, "both");
  node("Mul", {"f", "both"}, "m");
  node("Add", {floats("b", {2}, {1, 2}), "m"}, "y");
  const Model model = read();
  const auto& quantized = std::get<QuantizedMlp>(model.network);
  EXPECT_EQ(quantized.scheme, Scheme::kInt8);
  const auto& weight = std::get<Int8Matrix>(quantized.layers[0].weight);
  EXPECT_EQ(weight.codes, Matrix<std::int8_t>([] {
              Matrix<std::int8_t> expected(2, 2);
              expected.values = {1, 127, -127, -8};
              return expected;
            }()));
  EXPECT_EQ(weight.scales, (AlignedVector<float>{0.5F, 0.5F}));
  EXPECT_FALSE(model.provenance.settings.contains("onnx_weights"));
}

// Codes - zero points must lie within -128..127 to stay codes.
TEST_F(ForeignOnnxTest, OtherCodesBecomeTheFloatsTheyStandFor) {
  for (const int zero : {1, -1}) {
    builder_ = OnnxBuilder();
    builder_.node(
        "DynamicQuantizeMatMul",
        {"x", bytes_constant("w", onnx::Type::kInt8, {2, 2}, {-128, 1, 2, 3}),
         floats("s", {2}, {0.5F, 2}), bytes_constant("z", onnx::Type::kInt8, {2}, {zero, 1})},
        {"y"}, {}, "com.microsoft");
    const Model model = read();
    if (zero < 0) {
      const auto& layer = std::get<QuantizedMlp>(model.network).layers[0];
      EXPECT_EQ(std::get<Int8Matrix>(layer.weight).codes.values[0], -127);
      EXPECT_EQ(decode(layer.weight).values, (AlignedVector<float>{-63.5F, 0, 1.5F, 4}));
    } else {
      EXPECT_EQ(floats_of_model(model).layers[0].weight.values,
                (AlignedVector<float>{-64.5F, 0, 0.5F, 4}));
      EXPECT_EQ(model.provenance.settings.at("onnx_weights"), "read as float32");
    }
  }
}

// Two outputs, 33 inputs: two blocks of 32, the second with one code. Codes are 8 (zero) but for
// two.
void add_blocks(OnnxBuilder& builder, float scale, const std::string& zeros) {
  std::string codes(2 * 2 * 16, '\x88');
  codes[0] = '\x8f';            // input 0 to output 0: 15 - 8 = 7
  codes[2 * 16 + 16] = '\x80';  // input 32 to output 1: 0 - 8 = -8
  builder.kept_constant("w", onnx::Type::kUint8, {2, 2, 16}, codes);
  const std::vector<float> scales = {scale, 1, 1, 2};
  builder.kept_constant("s", onnx::Type::kFloat, {4},
                        std::string(text_of(std::as_bytes(std::span(scales)))));
  std::vector<std::string> inputs = {"x", "w", "s"};
  if (!zeros.empty()) inputs.push_back(builder.kept_constant("z", onnx::Type::kUint8, {2}, zeros));
  builder.node("MatMulNBits", inputs, {"y"},
               {{"K", std::int64_t{33}},
                {"N", std::int64_t{2}},
                {"bits", std::int64_t{4}},
                {"block_size", std::int64_t{32}}},
               "com.microsoft");
}

TEST_F(ForeignOnnxTest, BlocksOf32KeepTheirCodes) {
  add_blocks(builder_, 0.5F, "");
  const Model model = read();
  const auto& quantized = std::get<QuantizedMlp>(model.network);
  EXPECT_EQ(quantized.scheme, Scheme::kInt4);
  const Matrix<float> weight = decode(quantized.layers[0].weight);
  EXPECT_EQ(weight.at(0, 0), 3.5F);
  EXPECT_EQ(weight.at(32, 1), -16.0F);
  EXPECT_EQ(std::ranges::count(weight.values, 0.0F), 64);
}

TEST_F(ForeignOnnxTest, BlocksWithZeroPointsOrFineScalesBecomeFloats) {
  add_blocks(builder_, 0.1F, "");  // no float16 number
  EXPECT_EQ(floats_of_model(read()).layers[0].weight.at(0, 0), 7 * 0.1F);
}

TEST_F(ForeignOnnxTest, ZeroPointsOfBlocksAreSubtracted) {
  add_blocks(builder_, 0.5F,
             "\x81\x08");  // block 0 and 1 of output 0: 1 and 8; of output 1: 8 and 0
  const Matrix<float> weight = floats_of_model(read()).layers[0].weight;
  EXPECT_EQ(weight.at(0, 0), 7.0F);   // (15 - 1) / 2
  EXPECT_EQ(weight.at(1, 0), 3.5F);   // (8 - 1) / 2
  EXPECT_EQ(weight.at(32, 1), 0.0F);  // (0 - 0) * 2
}

TEST_F(ForeignOnnxTest, AnInputScaleIsKept) {
  node("Div", {"x", floats("s", {}, {255})}, "scaled");
  add_matmul("scaled", "y");
  EXPECT_EQ(std::get<Numeric>(read().featurizer).scale, 1.0F / 255.0F);
}

TEST_F(ForeignOnnxTest, OtherOperatorsAreNamed) {
  add_matmul("x", "h");
  node("Tanh", {"h"}, "y");
  refused("operator 'Tanh'");
}

TEST_F(ForeignOnnxTest, LayersWithoutReluBetweenThemAreRefused) {
  add_matmul("x", "h");
  add_matmul("h", "y");
  refused("without a Relu");
}

TEST_F(ForeignOnnxTest, AReluAtTheEndIsRefused) {
  add_matmul("x", "h");
  node("Relu", {"h"}, "y");
  refused("ends with a Relu");
}

TEST_F(ForeignOnnxTest, BranchesAreRefused) {
  add_matmul("x", "h");
  node("Relu", {"h"}, "r");
  add_matmul("r", "a");
  add_matmul("r", "y");
  refused("no chain");
}

TEST_F(ForeignOnnxTest, SoftmaxAndArgMaxMayEndIt) {
  add_matmul("x", "h");
  node("Softmax", {"h"}, "p", {{"axis", std::int64_t{-1}}});
  node("ArgMax", {"p"}, "y", {{"axis", std::int64_t{1}}});
  EXPECT_EQ(floats_of_model(read()).layers.size(), 1U);
}

TEST_F(ForeignOnnxTest, SizesThatDoNotFitAreRefused) {
  builder_.kept_constant("w", onnx::Type::kFloat, {2, 2}, std::string(12, '\0'));
  node("MatMul", {"x", "w"}, "y");
  refused("shape [2, 2]");
}

TEST_F(ForeignOnnxTest, ClaimedSizesAllocateNothing) {
  builder_.kept_constant("w", onnx::Type::kFloat, {std::uint64_t{1} << 31, std::uint64_t{1} << 31},
                         std::string(16, '\0'));
  node("MatMul", {"x", "w"}, "y");
  refused("bytes");
}

}  // namespace
}  // namespace nibble
