// Reads a ZIP archive of stored entries from bytes that someone else wrote, usually a mapped file.
// Nothing is extracted or copied: an entry is a view of the archive's bytes.
//
// Refused, each with a sentence: encrypted entries, two entries of one name, names that lead out of
// a folder, entries that overlap each other or the directory, and any size or offset that does not
// fit the bytes that are there; compressed entries when they are asked for. zip64 and an archive
// comment are understood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace nibble {

struct ZipEntry {
  std::string_view name;
  std::span<const std::byte> bytes;  // empty when the entry is compressed
  std::uint32_t crc = 0;             // as the archive states it
  bool is_compressed = false;
};

class ZipReader {
 public:
  // The archive's bytes must outlive the reader.
  explicit ZipReader(std::span<const std::byte> archive);

  // Ascending by name.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  // Nothing when no entry has this name; an Error when it is compressed.
  const ZipEntry* find(std::string_view name) const;

 private:
  std::vector<ZipEntry> entries_;
};

// An Error that names the entry unless its bytes have the checksum that the archive states.
void require_checksum(const ZipEntry& entry);

}  // namespace nibble
