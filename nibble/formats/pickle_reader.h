// Reads the pickles that torch.save puts into its files (protocols 2 to 5) without running
// anything: a fixed list of names is understood, every other name is an Error, as are opcodes that
// PyTorch does not write. Compare torch/_weights_only_unpickler.py.
#pragma once

#include <cstddef>
#include <span>

#include "nibble/formats/pickle_value.h"

namespace nibble {

// 64 MiB: a pickle of PyTorch's holds names and shapes, not the numbers themselves.
inline constexpr std::size_t kLargestPickle = std::size_t{64} << 20;
// Open brackets at a time; Python itself gives up at 1000.
inline constexpr std::size_t kDeepestPickle = 1000;

// The bytes must outlive the document.
PickleDocument read_pickle(std::span<const std::byte> bytes);

}  // namespace nibble
