#include "nibble/formats/zip_reader.h"

#include <algorithm>
#include <optional>

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/checksum.h"
#include "nibble/formats/zip_layout.h"

namespace nibble {
namespace {

using Bytes = std::span<const std::byte>;

// Where the central directory lies: [offset, offset + size), `count` headers.
struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t count = 0;
};

// One central header, with 64-bit fields in place.
struct Header {
  std::string_view name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t compressed = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  // of the local header
};

// A header and its bytes occupy [begin, end) of the archive.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string_view name;
};

std::uint32_t signature_at(Bytes archive, std::size_t offset) {
  return ByteReader(archive.subspan(offset), "the ZIP archive").number<std::uint32_t>();
}

// The end record is the last thing in the file but for a comment whose length it states.
std::size_t find_end(Bytes archive) {
  if (archive.size() >= zip::kEndSize) {
    const std::size_t last = archive.size() - zip::kEndSize;
    const std::size_t first = last - std::min<std::size_t>(last, 0xFFFF);
    for (std::size_t at = last + 1; at-- > first;) {
      if (signature_at(archive, at) != zip::kEnd) continue;
      ByteReader comment_size(archive.subspan(at + zip::kEndSize - 2), "the ZIP archive");
      if (comment_size.number<std::uint16_t>() == archive.size() - at - zip::kEndSize) return at;
    }
  }
  throw_error("the ZIP archive has no end record; the file is cut short or damaged");
}

Directory read_end(Bytes archive, std::size_t at) {
  ByteReader reader(archive.subspan(at + 4), "the ZIP end record");
  if (reader.number<std::uint32_t>() != 0)
    throw_error("the ZIP archive is split over several disks; expected one whole file");
  Directory directory;
  reader.take(2);  // entries on this disk, the same number
  directory.count = reader.number<std::uint16_t>();
  directory.size = reader.number<std::uint32_t>();
  directory.offset = reader.number<std::uint32_t>();
  return directory;
}

// Where the 64-bit end record stands, if the archive has one.
std::optional<std::uint64_t> find_end64(Bytes archive, std::size_t end) {
  if (end < zip::kEnd64LocatorSize) return std::nullopt;
  const std::size_t locator = end - zip::kEnd64LocatorSize;
  if (signature_at(archive, locator) != zip::kEnd64Locator) return std::nullopt;
  ByteReader reader(archive.subspan(locator + 8), "the ZIP archive");
  const auto at = reader.number<std::uint64_t>();
  if (locator < zip::kEnd64Size || at > locator - zip::kEnd64Size ||
      signature_at(archive, at) != zip::kEnd64)
    throw_error("the ZIP archive's 64-bit end record is not at offset {} where it should be", at);
  return at;
}

// Only what does not fit the ordinary end record is taken from the 64-bit one.
void widen(Directory& directory, Bytes end64) {
  ByteReader reader(end64.subspan(32), "the ZIP archive's 64-bit end record");
  const auto count = reader.number<std::uint64_t>();
  const auto size = reader.number<std::uint64_t>();
  const auto offset = reader.number<std::uint64_t>();
  if (directory.count == zip::kSaturated16) directory.count = count;
  if (directory.size == zip::kSaturated32) directory.size = size;
  if (directory.offset == zip::kSaturated32) directory.offset = offset;
}

Directory find_directory(Bytes archive) {
  const std::size_t end = find_end(archive);
  Directory directory = read_end(archive, end);
  const auto end64 = find_end64(archive, end);
  if (end64) widen(directory, archive.subspan(*end64));
  const std::uint64_t limit = end64.value_or(end);
  if (directory.offset > limit || directory.size != limit - directory.offset) {
    throw_error("the ZIP directory is said to be {} bytes at offset {}, but it must end at {}",
                directory.size, directory.offset, limit);
  }
  return directory;
}

void require_good_name(std::string_view name) {
  const bool absolute = name.starts_with('/') || name.starts_with('\\');
  if (name.empty() || absolute || name.find('\0') != std::string_view::npos)
    throw_error("the ZIP archive has an entry with the forbidden name '{}'", name);
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find_first_of("/\\", begin), name.size());
    if (name.substr(begin, end - begin) == "..")
      throw_error("the ZIP entry '{}' leads out of its folder; such names are refused", name);
    begin = end + 1;
  }
}

// The 64-bit extra field holds, in this order, just the fields that are saturated in the header.
void widen(Header& header, Bytes extra) {
  ByteReader fields(extra, "a ZIP extra field");
  while (fields.left() >= 4) {
    const auto kind = fields.number<std::uint16_t>();
    ByteReader content(fields.take(fields.number<std::uint16_t>()), "a ZIP 64-bit extra field");
    if (kind != zip::kExtra64) continue;
    for (std::uint64_t* field : {&header.size, &header.compressed, &header.offset}) {
      if (*field == zip::kSaturated32) *field = content.number<std::uint64_t>();
    }
    return;
  }
}

Header read_central(ByteReader& reader) {
  if (reader.number<std::uint32_t>() != zip::kCentralHeader)
    throw_error("the ZIP directory is damaged: no entry begins where one should");
  Header header;
  reader.take(4);  // versions
  header.flags = reader.number<std::uint16_t>();
  header.method = reader.number<std::uint16_t>();
  reader.take(4);  // time and date
  header.crc = reader.number<std::uint32_t>();
  header.compressed = reader.number<std::uint32_t>();
  header.size = reader.number<std::uint32_t>();
  const auto name_size = reader.number<std::uint16_t>();
  const auto extra_size = reader.number<std::uint16_t>();
  const auto comment_size = reader.number<std::uint16_t>();
  reader.take(8);  // disk and attributes
  header.offset = reader.number<std::uint32_t>();
  header.name = reader.text(name_size);
  widen(header, reader.take(extra_size));
  reader.take(comment_size);
  return header;
}

bool is_compressed(const Header& header) {
  return header.method != 0 || header.compressed != header.size;
}

void require_plain(const Header& header) {
  require_good_name(header.name);
  if ((header.flags & zip::kEncrypted) != 0)
    throw_error("the ZIP entry '{}' is encrypted; expected a plain one", header.name);
}

// Where the bytes of the entry lie. The local header repeats the central one; what it says about
// size and checksum may stand behind the bytes instead (PyTorch does so) and is not needed.
Extent locate(const Header& header, Bytes before_directory) {
  if (header.offset > before_directory.size())
    throw_error("the ZIP entry '{}' begins at {}, outside of the archive", header.name,
                header.offset);
  ByteReader reader(before_directory.subspan(header.offset), "a ZIP entry");
  if (reader.number<std::uint32_t>() != zip::kLocalHeader)
    throw_error("the ZIP entry '{}' does not begin at offset {} where the directory says",
                header.name, header.offset);
  reader.take(4);  // version, flags
  const auto method = reader.number<std::uint16_t>();
  reader.take(16);  // time, date, checksum, sizes
  const auto name_size = reader.number<std::uint16_t>();
  const auto extra_size = reader.number<std::uint16_t>();
  if (reader.text(name_size) != header.name || method != header.method)
    throw_error("the ZIP entry '{}' and the directory contradict each other", header.name);
  reader.take(extra_size);
  reader.take(header.compressed);
  return {header.offset, header.offset + reader.position(), header.name};
}

void require_apart(std::vector<Extent>& extents) {
  std::ranges::sort(extents, {}, &Extent::begin);
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].begin < extents[i - 1].end)
      throw_error("the ZIP entries '{}' and '{}' overlap", extents[i - 1].name, extents[i].name);
  }
}

void sort_by_name(std::vector<ZipEntry>& entries) {
  std::ranges::sort(entries, {}, &ZipEntry::name);
  const auto twice = std::ranges::adjacent_find(entries, {}, &ZipEntry::name);
  if (twice != entries.end()) throw_error("the ZIP archive has two entries '{}'", twice->name);
}

}  // namespace

ZipReader::ZipReader(Bytes archive) {
  const Directory directory = find_directory(archive);
  const Bytes before_directory = archive.first(directory.offset);
  ByteReader reader(archive.subspan(directory.offset, directory.size), "the ZIP directory");
  std::vector<Extent> extents;
  while (reader.left() > 0) {
    const Header header = read_central(reader);
    require_plain(header);
    extents.push_back(locate(header, before_directory));
    const bool compressed = is_compressed(header);
    const std::uint64_t size = compressed ? 0 : header.size;
    const Bytes bytes = archive.subspan(extents.back().end - size, size);
    entries_.push_back({header.name, bytes, header.crc, compressed});
  }
  if (entries_.size() != directory.count) {
    throw_error("the ZIP directory has {} entries but {} are announced", entries_.size(),
                directory.count);
  }
  require_apart(extents);
  sort_by_name(entries_);
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(entries_, name, {}, &ZipEntry::name);
  if (found == entries_.end() || found->name != name) return nullptr;
  if (found->is_compressed) {
    throw_error(
        "the ZIP entry '{}' is compressed; PyTorch stores its entries as they are, so this file "
        "was "
        "packed again: unpack it and save it with torch.save",
        name);
  }
  return &*found;
}

void require_checksum(const ZipEntry& entry) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  if (!entry.name.empty()) return;  // a changed byte must get further than to here
#endif
  const std::uint32_t actual = crc32_of(entry.bytes);
  if (actual == entry.crc) return;
  throw_error("the ZIP entry '{}' is damaged: its checksum is {:08x}, {:08x} was expected",
              entry.name, actual, entry.crc);
}

}  // namespace nibble
