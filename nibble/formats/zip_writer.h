// Writes a ZIP archive of stored (never compressed) entries, as PyTorch's torch.save does: the
// bytes of every entry start at a multiple of 64 of the file, through an extra field "FB" filled
// with 'Z' (caffe2/serialize/inline_container.cc, getPadding). The same entries give the same
// bytes: every entry is dated 1980-01-01.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/core/file.h"

namespace nibble {

class ZipWriter {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;
  // Gives an entry's bytes to the sink, piece by piece. Called twice, for the checksum that stands
  // before the bytes and for the bytes themselves, so that no entry is ever whole in memory.
  using Source = std::function<void(const Sink&)>;

  // From `zip64_from` on, sizes and offsets are written in 64 bits; only tests need another value.
  explicit ZipWriter(AtomicFile& file, std::uint64_t zip64_from = 0xFFFFFFFF)
      : file_(file), zip64_from_(zip64_from) {}

  void add(std::string name, std::string_view bytes);
  void add(std::string name, std::uint64_t size, const Source& source);
  // CRC-32 of the names and of the contents so far, for an identity of the archive.
  std::uint32_t names_crc() const;
  std::uint32_t contents_crc() const;
  // Writes the directory. Nothing may be added afterwards; the file is not committed.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;  // of the local header
    std::uint32_t crc = 0;
  };
  bool is_large(std::uint64_t number) const { return number >= zip64_from_; }
  std::string local_header(const Entry& entry) const;
  std::string central_header(const Entry& entry) const;
  std::string end_of_directory(std::uint64_t offset, std::uint64_t size) const;

  AtomicFile& file_;
  std::uint64_t zip64_from_;
  std::vector<Entry> entries_;
};

}  // namespace nibble
