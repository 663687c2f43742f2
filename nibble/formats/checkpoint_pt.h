// PyTorch's checkpoint files (.pt), written and read without PyTorch. Layout: caffe2/serialize/
// inline_container.cc, torch/serialization.py.
//
// A file that is written holds a dict that torch.load(path, weights_only=True) opens in
// PyTorch 1.13 and 2.x:
//   model_state_dict     OrderedDict for nn.Sequential(Linear, ReLU, Dropout, ..., Linear):
//                        "0.weight" [outputs][inputs] float32, "0.bias", "3.weight", ...
//   hyperparameters      Provenance.settings: whole numbers, floats, booleans, text, and lists of
//                        numbers ("hidden" always)
//   epoch                int; 0 is unknown
//   validation_accuracy  float, per cent
//   validation_loss      float
//   labels               list of str
//   vocabulary           list of str in column order, or None for a numeric model and for
//                        words that are hashed (featurizer's kind is then "hashed_words")
//   training_state       only where asked for: checkpoint_state.h
//   featurizer           {"kind": "bag_of_words"} or {"kind": "numeric", "columns": 784, "scale":
//   ...}
//   scheme               quantized models only: "f16", "bf16", "int8", "int8-torch"
//
// A quantized model's state_dict has float16 or bfloat16 weights, or it is that of a network from
// quantize_dynamic: for int8-torch qint8 per tensor, for int8 qint8 per channel. torch.load opens
// those two in PyTorch 1.13 only with weights_only=False, because its weights-only reader knows no
// quantized tensors; 2.x opens all.
//
// Every float is a float64 tensor without dimensions: the weights-only reader of PyTorch 1.13 knows
// no floats (it lacks the opcode BINFLOAT). float(checkpoint["validation_loss"]) works everywhere.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "nibble/core/shared_file.h"
#include "nibble/formats/checkpoint_state.h"
#include "nibble/formats/layer_bytes.h"
#include "nibble/model/model.h"

namespace nibble {

// `archive` is the folder inside the ZIP file; torch.save takes the stem of the file's name. An
// Error if the model is in an encoding that PyTorch does not have. The file is not committed.
// `state`, if not empty, is the training's (checkpoint_state.h).
void write_checkpoint(const Model& model, std::string_view archive, AtomicFile& file,
                      const StateViews& state = {});

// Reads what write_checkpoint wrote, bit for bit, and any zip file of torch.save (PyTorch 1.6 and
// later) that holds a plain state_dict, by itself or under `key`, or without one under
// model_state_dict, state_dict or model, as long as its tensors are those of Linear layers that
// follow each other, BatchNorm1d between them, or layers from quantize_dynamic (state_dict.h). ReLU
// between the layers is taken for granted: a state_dict does not say. Any strides and offsets;
// float64, float16 and bfloat16 are converted. Without labels they are "0", "1", ...; without a
// vocabulary the model is numeric with scale 1. Nothing in the file is ever run.
//
// Pages of `owner`, the mapped file that the bytes lie in, are given back as they are copied.
Model read_checkpoint(std::span<const std::byte> file, std::string_view key = {},
                      const SharedFile& owner = nullptr);

// Bytes of the layers' tensors in a file that read_checkpoint has read; a tensor that several share
// counts for each.
LayerBytes checkpoint_storage(std::span<const std::byte> file, std::string_view key = {});

// What write_checkpoint was given as `state`; nothing if the file carries none.
std::optional<StateValues> read_training_state(std::span<const std::byte> file,
                                               const SharedFile& owner = nullptr);
// Whether there is one; its arrays are not read.
bool holds_training_state(std::span<const std::byte> file);

}  // namespace nibble
