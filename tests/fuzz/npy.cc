// A reader of files: the bytes are put into one that lives in memory.
#include "nibble/data/npy.h"

#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/target.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  static const MemoryFile file;
  file.replace(bytes);
  const NpyFile rows(file.path());
  if (rows.rows() > 0) rows.read_rows(0, rows.rows());
}
