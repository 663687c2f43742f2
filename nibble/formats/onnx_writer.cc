#include <cstdint>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/model_checks.h"
#include "nibble/formats/nibble_model.h"
#include "nibble/formats/onnx.h"
#include "nibble/formats/onnx_builder.h"

namespace nibble {
namespace {

using onnx::Type;

constexpr std::string_view kMicrosoft = "com.microsoft";
constexpr std::int64_t kFloatType = static_cast<std::int64_t>(Type::kFloat);
constexpr std::int64_t kUint8Type = static_cast<std::int64_t>(Type::kUint8);
constexpr std::size_t kInt4Block = kInt4Group;
constexpr std::int64_t kInt8Activations = 4;  // MatMulNBits's accuracy_level
constexpr float kLargestCount = 255.0F;

// What a model needs at least: opset 21 for blocks in DequantizeLinear and the type int4.
OnnxBuilder::Versions versions_for(Scheme scheme, OnnxForm form) {
  const bool int4 = scheme == Scheme::kInt4;
  OnnxBuilder::Versions versions{int4 ? 10 : 8, {{"", int4 ? 21 : 14}}};
  if (int4 || form.text) versions.opsets[std::string(kMicrosoft)] = 1;
  return versions;
}

template <typename T>
std::string bytes_as_text(const T& values) {
  return std::string(text_of(std::as_bytes(std::span(values))));
}

// MatMulNBits's layout: [outputs][blocks of 32 inputs][16 bytes], the even input in the low half;
// unused codes are 8, which is zero.
std::string codes_by_output(const Int4Matrix& weight) {
  const Matrix<std::int8_t> codes = codes_of(weight);
  const std::size_t blocks = (codes.rows + kInt4Block - 1) / kInt4Block;
  const std::size_t bytes = blocks * kInt4Block / 2;
  std::string result(weight.outputs * bytes, '\x88');
  for (std::size_t i = 0; i < codes.rows; ++i) {
    const unsigned shift = i % 2 == 0 ? 0 : 4;
    for (std::size_t o = 0; o < weight.outputs; ++o) {
      auto& byte = reinterpret_cast<std::uint8_t&>(result[o * bytes + i / 2]);
      const unsigned code = static_cast<unsigned>(codes.at(i, o) + 8);
      byte = static_cast<std::uint8_t>((byte & ~(15U << shift)) | (code << shift));
    }
  }
  return result;
}

// [blocks][outputs] -> [outputs][blocks]
std::string scales_by_output(const SharedMatrix<std::uint16_t>& scales) {
  std::vector<std::uint16_t> turned(scales.values.size());
  for (std::size_t block = 0; block < scales.rows; ++block) {
    for (std::size_t o = 0; o < scales.columns; ++o)
      turned[o * scales.rows + block] = scales.at(block, o);
  }
  return bytes_as_text(turned);
}

// int4 tensors are packed without gaps and signed; ours has a byte's end at each row's end and
// codes + 8.
std::string packed_int4(const Int4Matrix& weight) {
  const Matrix<std::int8_t> codes = codes_of(weight);
  std::string result((codes.values.size() + 1) / 2, '\0');
  for (std::size_t at = 0; at < codes.values.size(); ++at) {
    const unsigned code = static_cast<unsigned>(codes.values[at]) & 15U;
    result[at / 2] = static_cast<char>(static_cast<unsigned char>(result[at / 2]) |
                                       (at % 2 == 0 ? code : code << 4));
  }
  return result;
}

// Adds the nodes of one layer after another. Names: "layers.0.weight", "layers.0.sums", ...
class LayerWriter {
 public:
  LayerWriter(OnnxBuilder& builder, std::size_t layer, std::string input, std::string output,
              bool takes_counts)
      : builder_(builder),
        layer_(layer),
        input_(std::move(input)),
        output_(std::move(output)),
        takes_counts_(takes_counts) {}

  void write(const F32Matrix& weight, std::span<const float> bias) {
    gemm(constant("weight", Type::kFloat, weight), bias);
  }
  void write(const F16Matrix& weight, std::span<const float> bias) {
    gemm(widened(constant("weight", Type::kFloat16, weight.codes)), bias);
  }
  void write(const Bf16Matrix& weight, std::span<const float> bias) {
    gemm(widened(constant("weight", Type::kBfloat16, weight.codes)), bias);
  }
  void write(const Int8Matrix& weight, std::span<const float> bias) {
    const std::string scales = vector("scales", weight.scales);
    const std::string codes = constant("weight", Type::kInt8, weight.codes);
    if (takes_counts_) {
      count_sums(codes, scales);
    } else {
      integer_sums(codes, scales);
    }
    add(bias);
  }
  void write(const Int8TorchMatrix& weight, std::span<const float> bias) {
    const std::string scale = builder_.constant(name("scale"), Type::kFloat, {},
                                                std::as_bytes(std::span(&weight.scale, 1)));
    integer_sums(constant("weight", Type::kInt8, weight.codes), scale);
    add(bias);
  }
  void write(const Int4Matrix& weight, std::span<const float> bias) {
    if (weight.axis == GroupAxis::kInputs) {
      block_product(weight);
    } else {
      widened_product(weight);
    }
    add(bias);
  }
  template <typename Other>
  void write(const Other& /*weight*/, std::span<const float> /*bias*/) {
    throw_error(
        "ONNX has no operator for the encoding of this model's layer {}; make the ONNX file from "
        "the "
        "float model, with --scheme int8, int4 or f16",
        layer_);
  }

 private:
  std::string name(std::string_view part) const {
    return fmt::format("layers.{}.{}", layer_, part);
  }

  template <typename AnyMatrix>
  std::string constant(std::string_view part, Type type, const AnyMatrix& matrix) {
    return builder_.constant(name(part), type, {matrix.rows, matrix.columns},
                             std::as_bytes(std::span(matrix.values)));
  }
  std::string vector(std::string_view part, std::span<const float> values) {
    return builder_.constant(name(part), Type::kFloat, {values.size()}, std::as_bytes(values));
  }
  std::string node(std::string_view kind, const std::vector<std::string>& inputs,
                   std::string_view output, const std::vector<OnnxAttribute>& attributes = {},
                   std::string_view domain = "") {
    builder_.node(kind, inputs, {name(output)}, attributes, domain);
    return name(output);
  }
  std::string widened(const std::string& codes) {
    return node("Cast", {codes}, "widened", {{"to", kFloatType}});
  }

  void gemm(const std::string& weight, std::span<const float> bias) {
    builder_.node("Gemm", {input_, weight, vector("bias", bias)}, {output_});
  }

  void integer_sums(const std::string& codes, const std::string& scales) {
    builder_.node("DynamicQuantizeLinear", {input_},
                  {name("input"), name("input_scale"), name("input_zero")});
    const std::string sums =
        node("MatMulInteger", {name("input"), codes, name("input_zero")}, "integers");
    const std::string both = node("Mul", {name("input_scale"), scales}, "both_scales");
    node("Mul", {node("Cast", {sums}, "sums", {{"to", kFloatType}}), both}, "product");
  }

  // Counts are their own codes: nothing is rounded, and no range has to be found.
  void count_sums(const std::string& codes, const std::string& scales) {
    const std::string zero = builder_.kept_constant(name("least"), Type::kFloat, {},
                                                    bytes_as_text(std::vector<float>{0.0F}));
    const std::string most = builder_.kept_constant(
        name("most"), Type::kFloat, {}, bytes_as_text(std::vector<float>{kLargestCount}));
    const std::string within = node("Clip", {input_, zero, most}, "counts");
    const std::string counts = node("Cast", {within}, "input", {{"to", kUint8Type}});
    const std::string sums = node("MatMulInteger", {counts, codes}, "integers");
    node("Mul", {node("Cast", {sums}, "sums", {{"to", kFloatType}}), scales}, "product");
  }

  void block_product(const Int4Matrix& weight) {
    const std::size_t inputs = weight.codes.rows;
    const std::size_t blocks = weight.scales.rows;
    const std::string codes =
        builder_.kept_constant(name("weight"), Type::kUint8,
                               {weight.outputs, blocks, kInt4Block / 2}, codes_by_output(weight));
    const std::string scales = builder_.kept_constant(
        name("scales"), Type::kFloat16, {weight.outputs, blocks}, scales_by_output(weight.scales));
    node("MatMulNBits", {input_, codes, widened(scales)}, "product",
         {{"K", static_cast<std::int64_t>(inputs)},
          {"N", static_cast<std::int64_t>(weight.outputs)},
          {"bits", std::int64_t{4}},
          {"block_size", static_cast<std::int64_t>(kInt4Block)},
          {"accuracy_level", kInt8Activations}},
         kMicrosoft);
  }

  void widened_product(const Int4Matrix& weight) {
    const std::string codes = builder_.kept_constant(
        name("weight"), Type::kInt4, {weight.codes.rows, weight.outputs}, packed_int4(weight));
    const std::string scales = widened(constant("scales", Type::kFloat16, weight.scales));
    const std::string weights =
        node("DequantizeLinear", {codes, scales}, "weights",
             {{"axis", std::int64_t{1}}, {"block_size", static_cast<std::int64_t>(kInt4Block)}});
    node("MatMul", {input_, weights}, "product");
  }

  void add(std::span<const float> bias) {
    builder_.node("Add", {name("product"), vector("bias", bias)}, {output_});
  }

  OnnxBuilder& builder_;
  std::size_t layer_;
  std::string input_;
  std::string output_;
  bool takes_counts_;
};

template <typename Layers>
void write_layers(const Layers& layers, std::string x, bool takes_counts, OnnxBuilder& builder) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const bool last = l + 1 == layers.size();
    const std::string y = last ? "logits" : fmt::format("layers.{}.output", l);
    LayerWriter writer(builder, l, x, y, takes_counts && l == 0);
    if constexpr (std::is_same_v<typename Layers::value_type, Linear>) {
      writer.write(layers[l].weight, layers[l].bias);
    } else {
      std::visit([&](const auto& weight) { writer.write(weight, layers[l].bias); },
                 layers[l].weight);
    }
    if (last) return;
    x = fmt::format("layers.{}.relu", l);
    builder.node("Relu", {y}, {x});
  }
}

void write_metadata(const Model& model, OnnxBuilder& builder) {
  for (const auto& [key, value] : model_metadata(model)) builder.metadata("nibble." + key, value);
  if (const Vocabulary* words = word_list(model.featurizer))
    builder.metadata("nibble.vocabulary", words->text());
}

// Text to counts; the name of the counts.
std::string counted_words(const Vocabulary& vocabulary, OnnxBuilder& builder) {
  builder.metadata("nibble.input", "text");
  builder.input("text", Type::kText, 0);
  builder.node("StringNormalizer", {"text"}, {"lower_case"},
               {{"case_change_action", "LOWER"},
                {"is_case_sensitive", std::int64_t{1}},
                {"locale", "C.UTF-8"}});
  builder.node("Tokenizer", {"lower_case"}, {"words"},
               {{"mark", std::int64_t{0}},
                {"mincharnum", std::int64_t{1}},
                {"pad_value", ""},
                {"tokenexp", R"([\p{L}\p{N}_]{2,})"}},
               kMicrosoft);
  std::vector<std::int64_t> columns(vocabulary.size());
  std::iota(columns.begin(), columns.end(), std::int64_t{0});
  builder.node("TfIdfVectorizer", {"words"}, {"counts"},
               {{"mode", "TF"},
                {"min_gram_length", std::int64_t{1}},
                {"max_gram_length", std::int64_t{1}},
                {"max_skip_count", std::int64_t{0}},
                {"ngram_counts", std::vector<std::int64_t>{0}},
                {"ngram_indexes", columns},
                {"pool_strings", vocabulary.words()}});
  return "counts";
}

void name_labels(const LabelNames& labels, OnnxBuilder& builder) {
  builder.node("Softmax", {"logits"}, {"probabilities"}, {{"axis", std::int64_t{-1}}});
  builder.node("ArgMax", {"logits"}, {"place"},
               {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}});
  builder.node("Gather", {builder.text_constant("labels", labels), "place"}, {"label"});
  builder.output("label", Type::kText, 0);
  builder.output("probabilities", Type::kFloat, labels.size());
}

// The name of what the first layer takes.
std::string scaled_input(const Model& model, OnnxBuilder& builder) {
  const auto* numeric = std::get_if<Numeric>(&model.featurizer);
  if (numeric == nullptr || numeric->scale == 1.0F) return "input";
  const std::string scale = builder.kept_constant("input_scale", Type::kFloat, {},
                                                  bytes_as_text(std::vector{numeric->scale}));
  builder.node("Mul", {"input", scale}, {"scaled_input"});
  return "scaled_input";
}

}  // namespace

void write_onnx(const Model& model, AtomicFile& file, OnnxForm form) {
  require_sound(model);
  if (model.scheme() == Scheme::kMixed)
    throw_error(
        "ONNX has no operators for all encodings of this model's layers; make the ONNX file from "
        "the "
        "float model, with --scheme int8, int4 or f16");
  const MlpShape shape = model.shape();
  OnnxBuilder builder;
  const auto* bag = std::get_if<BagOfWords>(&model.featurizer);
  if (form.text && bag == nullptr)
    throw_error("this model takes numbers, not text; write it without --text");
  if (form.text && hashes_words(model.featurizer))
    throw_error(
        "ONNX counts words by a list of them, and this model has none: its words are hashed; write "
        "it without --text, for counts of {} buckets, or start from a model that keeps its words",
        shape.inputs);
  if (!form.text) builder.input("input", Type::kFloat, shape.inputs);
  const std::string x =
      form.text ? counted_words(bag->vocabulary, builder) : scaled_input(model, builder);
  const bool takes_counts = bag != nullptr;
  std::visit([&](const auto& stage) { write_layers(stage.layers, x, takes_counts, builder); },
             model.network);
  if (form.text) name_labels(model.labels, builder);
  builder.output("logits", Type::kFloat, shape.outputs);
  write_metadata(model, builder);
  builder.write(versions_for(model.scheme(), form), file);
}

}  // namespace nibble
