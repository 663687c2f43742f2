// ONNX files (.onnx): a network as a graph that ONNX Runtime and others run, written and read
// without them. Format: onnx/onnx.proto and the operator specification of the ONNX project.
//
// What is written takes "input" [rows, inputs] float32 (counts of words, or numbers as they come)
// and gives "logits" [rows, labels]; `rows` is free. One layer:
//   f32         Gemm
//   f16, bf16   Cast of the stored weights (ONNX Runtime folds it when it loads), Gemm
//   int8        DynamicQuantizeLinear, MatMulInteger, Cast, Mul, Mul, Add, which ONNX Runtime makes
//   one
//               operator. It gives a whole call one scale with a zero point where nibble gives each
//               row one without: hidden layers differ by a rounding. Counts of words are no case
//               for it: they go in as the integers they are (up to 255, as in nibble).
//   int8-torch  the same, one scale for the matrix, counts too
//   int4        groups along the inputs: com.microsoft MatMulNBits, block 32, accuracy level 4.
//   Groups
//               along the outputs, which MatMulNBits does not have: DequantizeLinear in blocks,
//               MatMul.
// Weights are the codes of the model, to the bit, at multiples of 64 in the file. float16 scales
// stay float16 and are widened by a Cast. Opset 14 and IR version 8; with int4, 21 and 10. The
// model's metadata hold what nibble_model.h lists, each name behind "nibble.", and the vocabulary:
// read back, it is the same model.
#pragma once

#include <cstddef>
#include <span>

#include "nibble/core/file.h"
#include "nibble/formats/onnx_network.h"
#include "nibble/formats/onnx_values.h"
#include "nibble/model/model.h"

namespace nibble {

// With `text`, for models of words, it takes "text" [rows], UTF-8, in place of counts, and gives
// "label" [rows], text, and "probabilities" beside the logits: StringNormalizer (lower case),
// com.microsoft Tokenizer, TfIdfVectorizer (counts) in front, Softmax, ArgMax and Gather behind.
// StringNormalizer asks the C library for the locale C.UTF-8 (a default of en_US is missing on most
// servers). Compared over all characters with ONNX Runtime 1.30 on Debian 12, words are nibble's,
// but for: a capital sigma at a word's end (no final sigma), a capital I with dot (U+0130: "i"
// instead of "i" and a combining dot), and characters that are newer than Unicode 14, which are
// letters there and none here.
struct OnnxForm {
  bool text = false;
};

// The file is not committed. An Error if ONNX has no form for the model's scheme, or if text is
// asked for and the model takes numbers.
void write_onnx(const Model& model, AtomicFile& file, OnnxForm form = {});

// What write_onnx wrote, or a network of another program: a chain of
//   Gemm, MatMul, Add; MatMulInteger, DynamicQuantizeMatMul, MatMulNBits and what belongs to them;
//   Relu; Identity, Dropout, Flatten, Cast, Reshape of a batch; a first Mul or Div by one number;
//   at its end Softmax, LogSoftmax, Sigmoid, ArgMax, ArrayFeatureExtractor, ZipMap,
// as PyTorch, skl2onnx and ONNX Runtime's quantizer write them. Any other operator is an Error that
// names it. Weights in 8 or 4 bits stay as they are where an encoding of ours holds them to the
// bit, else they become the float32 numbers they stand for, and the setting "onnx_weights" says so.
// A network with one output z and a Sigmoid becomes one with the two logits 0 and z. Labels are
// those of the graph, or "0", "1", ...
//
// With an owner of the file's bytes, codes at a multiple of 64 stay where they lie; what is copied
// is given back to the system.
Model read_onnx(std::span<const std::byte> file, const SharedFile& owner = nullptr);

// Where the bytes of such a file go: what stands in for the layers, in the file's own types.
LayerBytes onnx_storage(std::span<const std::byte> file);

}  // namespace nibble
