// From one model file to another of any kind, saying what does not come along.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nibble/formats/c_header.h"
#include "nibble/formats/model_file.h"
#include "nibble/model/model.h"
#include "nibble/quant/scheme.h"

namespace nibble {

struct ConvertSettings {
  LoadOptions load;
  std::optional<Scheme> scheme;  // to change to
  bool text = false;             // an .onnx file that takes text (onnx.h)
  std::size_t largest_header = kLargestHeader;
};

struct Converted {
  Model model;                       // as it was written
  std::vector<std::string> remarks;  // whole sentences: what changed on the way, or will differ
};

// Reads `from` (load_model), changes its scheme if asked to, and writes `to` (save_model, or a C
// header where it ends with ".h"). A float model is quantized from its weights; one that is
// quantized is first widened to the numbers that its codes stand for, which a remark says. For an
// .onnx file int4 groups go along the inputs, the form that MatMulNBits has; a model that is int4
// already keeps its groups. An Error if either file cannot be; then nothing is written.
Converted convert_file(const std::filesystem::path& from, const std::filesystem::path& to,
                       const ConvertSettings& settings);

}  // namespace nibble
