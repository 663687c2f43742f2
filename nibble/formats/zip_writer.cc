#include "nibble/formats/zip_writer.h"

#include <algorithm>

#include <zlib.h>

#include "nibble/core/aligned.h"
#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/checksum.h"
#include "nibble/formats/zip_layout.h"

namespace nibble {
namespace {

constexpr std::uint16_t kVersionPlain = 20;
constexpr std::uint16_t kVersion64 = 45;
constexpr std::uint16_t kDosTime = 0;
constexpr std::uint16_t kDosDate = (1 << 5) | 1;  // 1980-01-01, the earliest there is

// What local and central headers share: version needed, flags, method, time, CRC, sizes.
void append_common(std::string& header, bool large, std::uint32_t crc, std::uint64_t size) {
  const auto stored_size = large ? zip::kSaturated32 : static_cast<std::uint32_t>(size);
  append_number(header, large ? kVersion64 : kVersionPlain);
  append_number(header, zip::kUtf8Name);
  append_number(header, std::uint16_t{0});  // stored
  append_number(header, kDosTime);
  append_number(header, kDosDate);
  append_number(header, crc);
  append_number(header, stored_size);  // compressed
  append_number(header, stored_size);
}

// An extra field of this kind with these bytes.
void append_extra(std::string& extra, std::uint16_t kind, std::string_view content) {
  append_number(extra, kind);
  append_number(extra, static_cast<std::uint16_t>(content.size()));
  extra += content;
}

void append_padding(std::string& extra, std::uint64_t header_start, std::size_t name_size) {
  constexpr std::size_t kExtraHeader = 4;
  const std::uint64_t unpadded =
      header_start + zip::kLocalHeaderSize + name_size + extra.size() + kExtraHeader;
  const std::size_t missing = (kCacheLine - unpadded % kCacheLine) % kCacheLine;
  append_extra(extra, zip::kExtraPadding, std::string(missing, 'Z'));
}

std::uint32_t crc_of(const ZipWriter::Source& source, std::uint64_t expected_size) {
  std::uint32_t crc = 0;
  std::uint64_t size = 0;
  source([&](std::span<const std::byte> piece) {
    crc = crc32_of(piece, crc);
    size += piece.size();
  });
  assert(size == expected_size);
  static_cast<void>(expected_size);
  return crc;
}

}  // namespace

void ZipWriter::add(std::string name, std::string_view bytes) {
  add(std::move(name), bytes.size(), [bytes](const Sink& sink) { sink(bytes_of(bytes)); });
}

void ZipWriter::add(std::string name, std::uint64_t size, const Source& source) {
  if (name.size() >= zip::kSaturated16)
    throw_error("cannot write a ZIP entry whose name has {} bytes; at most 65534", name.size());
  Entry entry{std::move(name), size, file_.written(), crc_of(source, size)};
  file_.write(local_header(entry));
  source([this](std::span<const std::byte> piece) { file_.write(piece); });
  entries_.push_back(std::move(entry));
}

std::uint32_t ZipWriter::names_crc() const {
  std::uint32_t crc = 0;
  for (const Entry& entry : entries_) crc = crc32_of(bytes_of(entry.name), crc);
  return crc;
}

std::uint32_t ZipWriter::contents_crc() const {
  std::uint32_t crc = 0;
  for (const Entry& entry : entries_) crc = crc32_of(std::as_bytes(std::span(&entry.crc, 1)), crc);
  return crc;
}

std::string ZipWriter::local_header(const Entry& entry) const {
  std::string extra;
  if (is_large(entry.size)) {
    std::string sizes;
    append_number(sizes, entry.size);
    append_number(sizes, entry.size);
    append_extra(extra, zip::kExtra64, sizes);
  }
  append_padding(extra, entry.offset, entry.name.size());

  std::string header;
  append_number(header, zip::kLocalHeader);
  append_common(header, is_large(entry.size), entry.crc, entry.size);
  append_number(header, static_cast<std::uint16_t>(entry.name.size()));
  append_number(header, static_cast<std::uint16_t>(extra.size()));
  return header + entry.name + extra;
}

std::string ZipWriter::central_header(const Entry& entry) const {
  std::string large;
  if (is_large(entry.size)) {
    append_number(large, entry.size);
    append_number(large, entry.size);
  }
  if (is_large(entry.offset)) append_number(large, entry.offset);
  std::string extra;
  if (!large.empty()) append_extra(extra, zip::kExtra64, large);

  std::string header;
  append_number(header, zip::kCentralHeader);
  append_number(header, large.empty() ? kVersionPlain : kVersion64);  // made by
  append_common(header, is_large(entry.size), entry.crc, entry.size);
  append_number(header, static_cast<std::uint16_t>(entry.name.size()));
  append_number(header, static_cast<std::uint16_t>(extra.size()));
  append_number(header, std::uint16_t{0});  // comment
  append_number(header, std::uint16_t{0});  // disk
  append_number(header, std::uint16_t{0});  // internal attributes
  append_number(header, std::uint32_t{0});  // external attributes
  append_number(header, is_large(entry.offset) ? zip::kSaturated32
                                               : static_cast<std::uint32_t>(entry.offset));
  return header + entry.name + extra;
}

std::string ZipWriter::end_of_directory(std::uint64_t offset, std::uint64_t size) const {
  const std::uint64_t count = entries_.size();
  const bool large = is_large(offset) || is_large(size) || count >= zip::kSaturated16;
  std::string end;
  if (large) {
    append_number(end, zip::kEnd64);
    append_number(end, std::uint64_t{zip::kEnd64Size - 12});  // what follows this number
    append_number(end, kVersion64);                           // made by
    append_number(end, kVersion64);                           // needed
    append_number(end, std::uint64_t{0});                     // disk, disk of the directory
    append_number(end, count);
    append_number(end, count);
    append_number(end, size);
    append_number(end, offset);
    append_number(end, zip::kEnd64Locator);
    append_number(end, std::uint32_t{0});  // disk
    append_number(end, offset + size);     // where kEnd64 stands
    append_number(end, std::uint32_t{1});  // disks
  }
  const auto count16 = large ? zip::kSaturated16 : static_cast<std::uint16_t>(count);
  append_number(end, zip::kEnd);
  append_number(end, std::uint32_t{0});  // disk, disk of the directory
  append_number(end, count16);
  append_number(end, count16);
  append_number(end, large ? zip::kSaturated32 : static_cast<std::uint32_t>(size));
  append_number(end, large ? zip::kSaturated32 : static_cast<std::uint32_t>(offset));
  append_number(end, std::uint16_t{0});  // comment
  return end;
}

void ZipWriter::finish() {
  const std::uint64_t offset = file_.written();
  for (const Entry& entry : entries_) file_.write(central_header(entry));
  file_.write(end_of_directory(offset, file_.written() - offset));
}

}  // namespace nibble
