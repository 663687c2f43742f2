// IDX files, as MNIST and Fashion-MNIST come: a header (two zero bytes, element type, number of
// dimensions, sizes as big-endian 32-bit numbers), then the elements. Source:
// http://yann.lecun.com/exdb/mnist, "The IDX file format". Bytes only (type 0x08); also gzipped.
#pragma once

#include <filesystem>
#include <string_view>

#include "nibble/data/examples.h"

namespace nibble {

// Whether a file with these first bytes should be read as IDX, gzipped or not.
bool looks_like_idx(std::string_view bytes);

// `images` are the bytes of the file at `path`; its labels are found beside it by MNIST's naming
// (images -> labels, idx3 -> idx1, with or without .gz). Values stay 0..255, with
// `scale` 1/255; label names are the
// label bytes in decimal. The digest is of both files' bytes, images first. An Error, never a crash
// or a large allocation, when sizes and bytes do not fit or the counts differ.
Examples read_idx(std::string_view images, const std::filesystem::path& path,
                  const LabelNames& known_labels);

}  // namespace nibble
