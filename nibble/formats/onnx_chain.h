// OnnxChain: what is known of a graph's values while its nodes are visited one after another.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/formats/onnx_file.h"
#include "nibble/formats/onnx_network.h"
#include "nibble/formats/onnx_weights.h"

namespace nibble {

class OnnxChain {
 public:
  OnnxChain(const OnnxFile& file, const OnnxReading& reading);
  void visit(const OnnxNode& node);
  OnnxNetwork finish();

 private:
  enum class Kind {
    kConstant,
    kText,           // before it becomes counts
    kRows,           // what the chain has computed so far
    kCounts,         // rows within 0..255, on their way to be integers
    kCodes,          // rows as integers
    kCodesScale,     // their scale
    kCodesZero,      // and zero point
    kSums,           // of codes times a layer's codes
    kBothScales,     // scale of the rows times scales of the layer
    kProbabilities,  // or anything that orders the outputs as they do
    kComplement,     // 1 - the probability of the only output
    kLabel
  };
  struct Value {
    Kind kind = Kind::kRows;
    std::size_t stage = 0;  // of rows: how many steps made them
    OnnxConstant constant;  // also the layer's scales of kBothScales
  };
  using Step = void (OnnxChain::*)(const OnnxNode&);
  struct Operator {
    std::string_view domain;
    std::string_view kind;
    Step step;
  };
  static std::span<const Operator> operators();

  // Of constants; onnx_chain.cc.
  void constant(const OnnxNode& node);
  void dequantize(const OnnxNode& node);
  void transpose(const OnnxNode& node);
  // Of layers; onnx_chain_layers.cc.
  void gemm(const OnnxNode& node);
  void fused_gemm(const OnnxNode& node);
  void matmul(const OnnxNode& node);
  void add(const OnnxNode& node);
  void multiply(const OnnxNode& node);
  void divide(const OnnxNode& node);
  void relu(const OnnxNode& node);
  void clip(const OnnxNode& node);
  void quantize_rows(const OnnxNode& node);
  void matmul_integer(const OnnxNode& node);
  void matmul_dynamic(const OnnxNode& node);
  void matmul_to_float(const OnnxNode& node);
  void matmul_bits(const OnnxNode& node);
  // Of whatever comes; onnx_chain.cc.
  void cast(const OnnxNode& node);
  void same(const OnnxNode& node);
  void reshape(const OnnxNode& node);
  // Of the end; onnx_chain_end.cc.
  void probabilities(const OnnxNode& node);
  void sigmoid(const OnnxNode& node);
  void subtract(const OnnxNode& node);
  void concatenate(const OnnxNode& node);
  void arg_max(const OnnxNode& node);
  void name_labels(const OnnxNode& node);
  void zip_map(const OnnxNode& node);
  void text_step(const OnnxNode& node);

  const Value& input(const OnnxNode& node, std::size_t index) const;
  bool has_input(const OnnxNode& node, std::size_t index) const;
  OnnxConstant constant_input(const OnnxNode& node, std::size_t index) const;
  std::optional<OnnxConstant> optional_constant(const OnnxNode& node, std::size_t index) const;
  // An Error unless the value is the newest of its kind.
  void require_newest(const OnnxNode& node, const Value& value) const;
  [[noreturn]] void refuse(const OnnxNode& node, std::string_view why) const;
  void set(const OnnxNode& node, std::size_t output, Value value);
  void set_rows(const OnnxNode& node);  // a step further
  void add_layer(const OnnxNode& node, EncodedMatrix weight,
                 const std::optional<OnnxConstant>& bias, bool encoded);
  void count_weights(const OnnxConstant& weight);
  void count_codes(const OnnxConstant& codes, const OnnxConstant& scales,
                   const std::optional<OnnxConstant>& zeros);
  EncodedMatrix integer_matrix(const OnnxConstant& codes, const OnnxConstant& scales,
                               const std::optional<OnnxConstant>& zeros);
  void finish_sums(const OnnxNode& node, const OnnxConstant& scales);
  void scale_input(const OnnxNode& node, float factor);
  void set_labels(const OnnxNode& node, const OnnxTensor& tensor);
  void set_labels(const OnnxNode& node);

  const OnnxFile& file_;
  OnnxReading reading_;
  OnnxWeights weights_;
  std::map<std::string_view, Value> values_;
  std::deque<OnnxTensor> node_tensors_;  // of Constant nodes
  OnnxNetwork network_;
  std::size_t stage_ = 0;
  bool has_relu_ = true;   // since the last layer: none is needed before the first
  bool has_bias_ = false;  // of the last layer
  bool one_probability_ = false;
  struct Pending {
    OnnxConstant codes;
    std::optional<OnnxConstant> zeros;
  };
  std::optional<Pending> pending_;  // a MatMulInteger whose scales are to come
};

}  // namespace nibble
