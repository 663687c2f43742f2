#include "tests/fuzz/target.h"

#include "nibble/formats/zip_reader.h"

void nibble::fuzz::read(std::span<const std::byte> bytes) {
  const ZipReader archive(bytes);
  for (const ZipEntry& entry : archive.entries()) archive.find(entry.name);
}
