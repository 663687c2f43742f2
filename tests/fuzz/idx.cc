// Two files: the first bytes say how many are the labels'.
#include "nibble/data/idx.h"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "tests/fuzz/target.h"

#include "nibble/core/file.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  static const std::filesystem::path folder = [] {
    auto own = std::filesystem::path("/dev/shm") / ("nibble-fuzz-" + std::to_string(getpid()));
    make_folder(own);
    return own;
  }();
  if (bytes.empty()) return;
  const std::size_t label_bytes =
      std::min<std::size_t>(static_cast<std::size_t>(bytes.front()), bytes.size() - 1);
  // Plainly: nothing of it must survive, and this is done for every input.
  std::ofstream(folder / "train-labels-idx1-ubyte", std::ios::binary)
      << text_of(bytes.subspan(1, label_bytes));
  read_idx(text_of(bytes.subspan(1 + label_bytes)), folder / "train-images-idx3-ubyte", {});
}
