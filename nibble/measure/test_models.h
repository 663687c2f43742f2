// Small untrained models for the tests of this room.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "nibble/formats/model_file.h"
#include "nibble/model/model.h"

namespace nibble {

// Words "w00", "w01", ...
inline Model small_text_model(std::size_t words, std::size_t labels = 2) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < words; ++i) names.push_back(fmt::format("w{:02}", i));
  Model model;
  model.featurizer = BagOfWords{Vocabulary(std::move(names))};
  for (std::size_t i = 0; i < labels; ++i) model.labels.push_back(fmt::format("label {}", i));
  model.network = initialised_mlp({words, {8, 5}, labels}, 42);
  return model;
}

inline Model small_numeric_model(std::size_t columns) {
  Model model;
  model.featurizer = Numeric{columns, 1.0F};
  model.labels = {"a", "b", "c"};
  model.network = initialised_mlp({columns, {8, 5}, 3}, 42);
  return model;
}

// A model file that goes when the test ends.
class TemporaryModelFile {
 public:
  explicit TemporaryModelFile(const Model& model) { save_model(model, path_); }
  ~TemporaryModelFile() { std::filesystem::remove(path_); }
  TemporaryModelFile(const TemporaryModelFile&) = delete;
  TemporaryModelFile& operator=(const TemporaryModelFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  static inline int made_ = 0;  // in this process: a test may want several at once

  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                fmt::format("nibble-measure-{}-{}.safetensors", getpid(), made_++);
};

}  // namespace nibble
