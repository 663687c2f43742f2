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
//   vocabulary           list of str in column order, or None for a numeric model
//   training_state       only where asked for: checkpoint_state.h
//   featurizer           {"kind": "bag_of_words"} or {"kind": "numeric", "columns": 784, "scale":
//   ...}
//
// Every float is a float64 tensor without dimensions: the weights-only reader of PyTorch 1.13 knows
// no floats (it lacks the opcode BINFLOAT). float(checkpoint["validation_loss"]) works everywhere.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "nibble/core/file.h"
#include "nibble/formats/checkpoint_state.h"
#include "nibble/model/model.h"

namespace nibble {

// `archive` is the folder inside the ZIP file; torch.save takes the stem of the file's name. An
// Error if the model is quantized. The file is not committed. `state`, if not empty, is the
// training's (checkpoint_state.h).
void write_checkpoint(const Model& model, std::string_view archive, AtomicFile& file,
                      const StateViews& state = {});

// Reads what write_checkpoint wrote, bit for bit, and any zip file of torch.save (PyTorch 1.6 and
// later) that holds a plain state_dict, by itself or under model_state_dict, state_dict or model,
// as long as its tensors are the weights and biases of Linear layers that follow each other (ReLU
// between them is taken for granted: a state_dict does not say). Any strides and offsets; float64,
// float16 and bfloat16 are converted. Without labels they are "0", "1", ...; without a vocabulary
// the model is numeric with scale 1. Nothing in the file is ever run.
Model read_checkpoint(std::span<const std::byte> file);

// What write_checkpoint was given as `state`; nothing if the file carries none.
std::optional<StateValues> read_training_state(std::span<const std::byte> file);

}  // namespace nibble
