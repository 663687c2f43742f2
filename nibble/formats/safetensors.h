// The safetensors container: a JSON header of names, types and shapes, then the numbers, row-major
// and little-endian. Format: README.md and safetensors/src/tensor.rs of the safetensors project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/core/file.h"
#include "nibble/formats/element_type.h"

namespace nibble {

struct SafeTensor {
  std::string name;
  ElementType type = ElementType::kF32;
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> bytes;  // owned by whoever owns the file or the model
};

struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::vector<SafeTensor> tensors;  // in any order to write; ascending by name when read

  // Nothing when there is no such tensor. Only for what was read.
  const SafeTensor* find(std::string_view name) const;
};

inline constexpr std::uint64_t kLargestSafetensorsHeader = 100'000'000;  // as in tensor.rs

// The order of write_safetensors, whatever the order they are given in.
std::vector<const SafeTensor*> in_file_order(const std::vector<SafeTensor>& tensors);

// Tensors go by the largest power of two up to 64 that divides their bytes, largest first, then by
// name. The header is padded with spaces so that the numbers begin at a multiple of 64: so does
// then every tensor whose bytes are one, and every tensor at a multiple of its elements' size. The
// file is not committed. Texts must be valid UTF-8.
void write_safetensors(const Safetensors& content, AtomicFile& file);
// How many bytes it would write.
std::size_t safetensors_bytes(const Safetensors& content);

// Views into the file's bytes, which must outlive the result. Refused: a header that is not JSON of
// the expected form, keys that stand twice, unknown types, shapes that do not match their bytes,
// holes, overlaps, and anything behind the last tensor.
Safetensors read_safetensors(std::span<const std::byte> file);

}  // namespace nibble
