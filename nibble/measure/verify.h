// Whether a model answers here as it did where it was written, on every CPU level of this machine.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "nibble/formats/model_file.h"

namespace nibble {

// The check vectors replayed at one CPU level.
struct LevelCheck {
  std::string level;                // "avx2"
  std::size_t same_bits = 0;        // vectors whose logits are the stored ones to the bit
  double largest_difference = 0.0;  // of any logit
};

struct Verification {
  Scheme scheme = Scheme::kF32;
  bool has_digest = false;   // the file's SHA-256 of its tensors was there, and right
  bool has_vectors = false;  // the file's own; otherwise those of plain loops, made now
  std::size_t vectors = 0;
  double allowed = 0.0;            // the largest difference that is accepted
  std::vector<LevelCheck> levels;  // best first
  bool passed() const;
};

// int8, int8-torch and int4 must give the stored bits. Elsewhere CPU levels differ in rounding
// (infer/prepared_mlp.h), so that f32 and f16 may differ by 1e-4 and others, where inputs may be
// rounded to 16 bits, by 2e-2, both times the largest logit or 1. Changes the CPU level while it
// runs and puts it back: not to be called while other threads predict. An Error if the file cannot
// be read or its digest is wrong.
Verification verify_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace nibble
