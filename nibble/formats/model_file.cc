#include "nibble/formats/model_file.h"

#include <memory>
#include <string>
#include <system_error>

#include "nibble/core/error.h"
#include "nibble/core/shared_file.h"
#include "nibble/core/utf8.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/checkpoint_pt.h"
#include "nibble/formats/nibble_model.h"
#include "nibble/formats/onnx.h"
#include "nibble/formats/word_coding.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

enum class FileKind { kCheckpoint, kNibble, kOnnx };

bool looks_like_zip(std::string_view start) { return start.starts_with("PK"); }

// A pickled long, the magic number 0x1950a86a20f9469cfc6c of torch.save before PyTorch 1.6.
bool looks_like_old_torch(std::string_view start) {
  return start.substr(0, 2) == "\x80\x02" &&
         start.find("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") <= 8;
}

FileKind kind_by_content(std::span<const std::byte> bytes) {
  const std::string_view start = text_of(bytes.first(std::min<std::size_t>(bytes.size(), 64)));
  if (start.empty()) throw_error("the file is empty");
  if (looks_like_zip(start)) return FileKind::kCheckpoint;
  if (looks_like_old_torch(start)) {
    throw_error(
        "this is a checkpoint in the format before PyTorch 1.6; load it with PyTorch and save "
        "it again with torch.save");
  }
  if (start.size() > sizeof(std::uint64_t) && start[sizeof(std::uint64_t)] == '{')
    return FileKind::kNibble;
  if (looks_like_onnx(bytes)) return FileKind::kOnnx;
  throw_error(
      "this is neither a PyTorch checkpoint (a ZIP file), nor a safetensors file, nor an ONNX "
      "file");
}

FileKind kind_by_name(const fs::path& path) {
  const fs::path ending = path.extension();
  if (ending == ".pt" || ending == ".pth") return FileKind::kCheckpoint;
  if (ending == ".safetensors") return FileKind::kNibble;
  if (ending == ".onnx") return FileKind::kOnnx;
  throw_error(
      "cannot tell a model format from the name '{}'; expected .safetensors, .pt, .pth or .onnx",
      path.string());
}

// torch.save names the folder in the archive after the file.
std::string archive_name(const fs::path& path) {
  const std::string stem = path.stem().string();
  const bool usable = !stem.empty() && stem != "." && stem != ".." && !find_invalid_utf8(stem) &&
                      stem.find('\\') == std::string::npos;
  return usable ? stem : "archive";
}

std::size_t size_of_words(const Model& model, std::size_t extra_per_word) {
  const auto* bag = std::get_if<BagOfWords>(&model.featurizer);
  if (word_list(model.featurizer) == nullptr) return 0;
  if (bag->stored_compressed) return compress_words(bag->vocabulary.text()).size();
  const Vocabulary& words = bag->vocabulary;
  if (words.size() == 0) return 0;
  return words.text().size() - (words.size() - 1) + words.size() * extra_per_word;
}

void add_layer(LayerBytes& total, const Linear& layer) {
  total.weights += layer.weight.values.size() * sizeof(float);
  total.biases += layer.bias.size() * sizeof(float);
}

void add_layer(LayerBytes& total, const QuantizedLinear& layer) {
  const EncodedBytes bytes = stored_bytes(layer.weight);
  total.weights += bytes.codes;
  total.scales += bytes.scales;
  total.biases += layer.bias.size() * sizeof(float);
}

// Nibble's own file stores a network as it is in memory; others may have other types.
LayerBytes layer_bytes(const Model& model, const MappedFile& file, FileKind kind,
                       const LoadOptions& options) {
  if (kind == FileKind::kOnnx) return onnx_storage(file.bytes());
  if (kind == FileKind::kCheckpoint) return checkpoint_storage(file.bytes(), options.key);
  LayerBytes total;
  std::visit(
      [&total](const auto& network) {
        for (const auto& layer : network.layers) add_layer(total, layer);
      },
      model.network);
  return total;
}

Model read_model(const SharedFile& file, const LoadOptions& options) {
  const FileKind kind = kind_by_content(file->bytes());
  if (kind != FileKind::kCheckpoint && !options.key.empty())
    throw_error("only a PyTorch checkpoint has keys, such as '{}'", options.key);
  switch (kind) {
    case FileKind::kCheckpoint:
      return read_checkpoint(file->bytes(), options.key, file);
    case FileKind::kOnnx:
      return read_onnx(file->bytes(), file);
    case FileKind::kNibble:
      break;
  }
  return read_nibble_model(file->bytes(), file);
}

void write_model(const Model& model, FileKind kind, const fs::path& path,
                 const SaveOptions& options, AtomicFile& file) {
  if (kind != FileKind::kNibble && model.scheme() == Scheme::kMixed)
    throw_error(
        "its layers have different or new encodings, or fixed ranges of inputs, which only a "
        ".safetensors file can hold; make other files from the float model, with --scheme int8, "
        "int4 or f16");
  switch (kind) {
    case FileKind::kCheckpoint:
      return write_checkpoint(model, archive_name(path), file);
    case FileKind::kOnnx:
      return write_onnx(model, file, {options.text});
    case FileKind::kNibble:
      return write_nibble_model(model, file);
  }
}

}  // namespace

Model load_model(const fs::path& path, const LoadOptions& options) {
  const auto file = std::make_shared<const MappedFile>(path);
  try {
    return read_model(file, options);
  } catch (const Error& problem) {
    throw_error("cannot load the model '{}': {}", path.string(), problem.what());
  }
}

StoredChecks stored_checks(const fs::path& path, const Model& model) {
  const MappedFile file(path);
  try {
    if (kind_by_content(file.bytes()) != FileKind::kNibble) return {};
    return read_stored_checks(file.bytes(), model);
  } catch (const Error& problem) {
    throw_error("cannot check the model '{}': {}", path.string(), problem.what());
  }
}

void save_model(const Model& model, const fs::path& path, const SaveOptions& options) {
  const FileKind kind = kind_by_name(path);
  try {
    AtomicFile file(path);
    write_model(model, kind, path, options, file);
    file.commit();
  } catch (const Error& problem) {
    throw_error("cannot save the model '{}': {}", path.string(), problem.what());
  }
}

void save_checkpoint(const Model& model, const StateViews& state, const fs::path& path) {
  try {
    AtomicFile file(path);
    write_checkpoint(model, archive_name(path), file, state);
    file.commit();
  } catch (const Error& problem) {
    throw_error("cannot save the checkpoint '{}': {}", path.string(), problem.what());
  }
}

StoredTraining load_training(const fs::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  try {
    if (kind_by_content(file->bytes()) != FileKind::kCheckpoint)
      throw_error("only a checkpoint (.pt) can carry a training's state");
    std::optional<StateValues> state = read_training_state(file->bytes(), file);
    if (!state)
      throw_error(
          "the file holds a model without the state of its training; a training that ended "
          "keeps its state only with --keep-state");
    return {read_checkpoint(file->bytes(), {}, file), std::move(*state)};
  } catch (const Error& problem) {
    throw_error("cannot resume from '{}': {}", path.string(), problem.what());
  }
}

bool carries_training_state(const fs::path& path) {
  const MappedFile file(path);
  return kind_by_content(file.bytes()) == FileKind::kCheckpoint &&
         holds_training_state(file.bytes());
}

bool is_checkpoint_name(const fs::path& path) {
  return kind_by_name(path) == FileKind::kCheckpoint;
}

void require_writable_model(const fs::path& path) {
  kind_by_name(path);
  const AtomicFile probe(path);  // not committed: leaves nothing
}

StorageBreakdown storage_breakdown(const Model& model, const fs::path& path,
                                   const LoadOptions& options) {
  std::error_code problem;
  StorageBreakdown storage;
  storage.file = fs::file_size(path, problem);
  if (problem) throw_error("cannot look at '{}': {}", path.string(), problem.message());
  const MappedFile file(path);
  const FileKind kind = kind_by_content(file.bytes());
  const LayerBytes layers = layer_bytes(model, file, kind, options);
  storage.weights = layers.weights;
  storage.scales = layers.scales;
  storage.biases = layers.biases;
  // Beside each word: an opcode and four bytes of length in a pickle, a line feed in ours.
  storage.vocabulary = size_of_words(model, kind == FileKind::kCheckpoint ? 5 : 1);
  return storage;
}

}  // namespace nibble
