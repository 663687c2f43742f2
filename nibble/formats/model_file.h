// Any model file nibble knows, read or written by its content or its name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "nibble/formats/checkpoint_state.h"
#include "nibble/formats/nibble_model.h"
#include "nibble/model/model.h"

namespace nibble {

// Recognised by the first bytes: a ZIP file is a PyTorch checkpoint; else it is safetensors or
// ONNX. Every failure is an Error that names the file and what is wrong with it.
//
// A quantized model leaves its weights in the mapped file: replace a model's file, as save_model
// does, never write into it while something runs it.
struct LoadOptions {
  std::string key;  // of a PyTorch checkpoint's dict: where the state_dict stands; empty: search
};
Model load_model(const std::filesystem::path& path, const LoadOptions& options = {});

// How to check this model after load_model: empty for files that are not nibble's own.
StoredChecks stored_checks(const std::filesystem::path& path, const Model& model);

// ".pt" and ".pth" write a PyTorch checkpoint (not int4), ".safetensors" ours, ".onnx" a
// graph (onnx.h); another ending is an Error. Atomic: a kill or a full disk leaves the old file or
// none. The same model gives the same bytes.
struct SaveOptions {
  bool text = false;  // .onnx only: onnx.h's OnnxForm
};
void save_model(const Model& model, const std::filesystem::path& path,
                const SaveOptions& options = {});

// save_model for a checkpoint (.pt, .pth) that carries its training's state too.
void save_checkpoint(const Model& model, const StateViews& state,
                     const std::filesystem::path& path);

// A model and the state of its training. An Error if the file is no checkpoint or carries no state.
struct StoredTraining {
  Model model;
  StateValues state;
};
StoredTraining load_training(const std::filesystem::path& path);
// Whether the file is a checkpoint that carries the state of a training.
bool carries_training_state(const std::filesystem::path& path);

// Whether this name asks for a checkpoint (.pt, .pth); an Error if it asks for no model file at
// all.
bool is_checkpoint_name(const std::filesystem::path& path);

// The Error that save_model would end with because of the path alone: an ending it does not know, a
// folder that is missing or may not be written. To be asked before an hour of training.
void require_writable_model(const std::filesystem::path& path);

// Where the bytes of a stored model go.
struct StorageBreakdown {
  std::size_t file = 0;  // the whole file on disk
  std::size_t weights = 0;
  std::size_t scales = 0;
  std::size_t biases = 0;
  std::size_t vocabulary = 0;
  std::size_t rest() const {
    return file - weights - scales - biases - vocabulary;
  }  // header, metadata, padding
};
// `model` is what load_model gave for the path and options.
StorageBreakdown storage_breakdown(const Model& model, const std::filesystem::path& path,
                                   const LoadOptions& options = {});

}  // namespace nibble
