#include "nibble/data/idx.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "nibble/core/digest.h"
#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/data/gzip.h"
#include "nibble/data/label_column.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMagicBytes = 4;
constexpr unsigned kUnsignedByte = 0x08;
constexpr std::size_t kMostDimensions = 4;

unsigned byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

struct Header {
  std::vector<std::size_t> sizes;
  std::size_t bytes = 0;      // of the header
  std::size_t row_bytes = 1;  // product of all sizes but the first
};

Header parse_header(std::string_view bytes, std::string_view file) {
  if (bytes.size() < kMagicBytes || byte_at(bytes, 0) != 0 || byte_at(bytes, 1) != 0) {
    throw_error("'{}' is no IDX file; expected two zero bytes at its start", file);
  }
  const unsigned type = byte_at(bytes, 2);
  const std::size_t dimensions = byte_at(bytes, 3);
  if (type != kUnsignedByte || dimensions == 0 || dimensions > kMostDimensions) {
    throw_error(
        "'{}' has IDX elements of type 0x{:02X} in {} dimensions; expected bytes (0x08) in 1 to {}",
        file, type, dimensions, kMostDimensions);
  }
  Header header{{}, kMagicBytes + 4 * dimensions, 1};
  if (bytes.size() < header.bytes) throw_error("'{}' ends inside its IDX header", file);
  for (std::size_t at = kMagicBytes; at < header.bytes; at += 4) {
    header.sizes.push_back(byte_at(bytes, at) << 24 | byte_at(bytes, at + 1) << 16 |
                           byte_at(bytes, at + 2) << 8 | byte_at(bytes, at + 3));
  }
  for (std::size_t i = 1; i < dimensions; ++i) {
    if (__builtin_mul_overflow(header.row_bytes, header.sizes[i], &header.row_bytes)) {
      throw_error("'{}' promises rows of more bytes than a computer has", file);
    }
  }
  return header;
}

// Bytes that the header promises after itself. `room` is the most there can be: a promise beyond it
// is refused before anything is allocated.
std::size_t promised_bytes(const Header& header, std::size_t room, std::string_view file) {
  const std::size_t rows = header.sizes[0];
  if (header.row_bytes != 0 && rows > room / header.row_bytes) {
    throw_error("'{}' promises {} rows of {} bytes, more than the file can hold; is it cut short?",
                file, rows, header.row_bytes);
  }
  return rows * header.row_bytes;
}

struct Array {
  Header header;
  std::string_view file_bytes;  // of a file that is not packed
  std::string unpacked;         // of one that is

  std::string_view values() const {
    return (unpacked.empty() ? file_bytes : std::string_view(unpacked)).substr(header.bytes);
  }
};

void require_size(std::size_t got, std::size_t promised, std::string_view file) {
  if (got == promised) return;
  if (got > promised) {
    throw_error("'{}' promises {} bytes after its header, but more are there", file, promised);
  }
  throw_error("'{}' promises {} bytes after its header, but only {} are there; is it cut short?",
              file, promised, got);
}

Array parse_array(std::string_view bytes, std::string_view file) {
  Array array;
  if (!is_gzip(bytes)) {
    array.header = parse_header(bytes, file);
    array.file_bytes = bytes;
    const std::size_t room = bytes.size() - array.header.bytes;
    require_size(room, promised_bytes(array.header, room, file), file);
    return array;
  }
  array.header = parse_header(gunzip(bytes, kMagicBytes + 4 * kMostDimensions, file), file);
  const std::size_t room = bytes.size() * kLargestDeflateRatio;
  const std::size_t promised = promised_bytes(array.header, room, file);
  // One byte more than promised: it shows a surplus, and without one zlib checks the checksum.
  array.unpacked = gunzip(bytes, array.header.bytes + promised + 1, file);
  require_size(array.unpacked.size() - array.header.bytes, promised, file);
  return array;
}

void replace_word(std::string& name, std::string_view from, std::string_view to) {
  if (const std::size_t at = name.find(from); at != std::string::npos) {
    name.replace(at, from.size(), to);
  }
}

fs::path labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  replace_word(name, "images", "labels");
  replace_word(name, "idx3", "idx1");
  fs::path labels = images.parent_path() / name;
  fs::path other = labels;
  if (labels.extension() == ".gz") {
    other.replace_extension();
  } else {
    other += ".gz";
  }
  if (name == images.filename()) {
    throw_error("cannot name the labels of '{}'; expected 'images' in the name of the file",
                images.string());
  }
  if (fs::exists(labels)) return labels;
  if (fs::exists(other)) return other;
  throw_error("cannot find the labels of '{}'; expected them in '{}'", images.string(),
              labels.string());
}

DenseRows rows_of(const Array& array, std::string_view file) {
  const Header& header = array.header;
  if (header.sizes.size() == 1) {
    throw_error("'{}' holds labels; give the file of images, its labels are found beside it", file);
  }
  const std::string_view values = array.values();
  if (values.empty()) throw_error("'{}' holds no row; expected at least one", file);
  DenseRows rows(header.sizes[0], header.row_bytes);
  std::ranges::transform(values, rows.values.begin(), [](char value) {
    return static_cast<float>(static_cast<unsigned char>(value));
  });
  return rows;
}

void require_labels(const Array& labels, std::size_t rows, std::string_view file) {
  if (labels.header.sizes.size() != 1) {
    throw_error("'{}' has {} dimensions; expected labels, which have one", file,
                labels.header.sizes.size());
  }
  if (labels.values().size() != rows) {
    throw_error("'{}' holds {} labels for {} images; expected one for each", file,
                labels.values().size(), rows);
  }
}

}  // namespace

bool looks_like_idx(std::string_view bytes) {
  return is_gzip(bytes) || bytes.starts_with(std::string_view("\0\0", 2));
}

Examples read_idx(std::string_view images, const fs::path& path, const LabelNames& known_labels) {
  DenseRows rows = rows_of(parse_array(images, path.string()), path.string());
  const std::string labels_file = labels_beside(path).string();
  const std::string labels_bytes = read_file(labels_file);
  const Array labels = parse_array(labels_bytes, labels_file);
  require_labels(labels, rows.rows, labels_file);
  const std::string_view label_bytes = labels.values();
  LabelColumn column(known_labels);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    column.add(std::to_string(byte_at(label_bytes, i)), {labels_file, i + 1});
  }
  Examples examples;
  column.finish(examples);
  examples.inputs = std::move(rows);
  examples.scale = 1.0F / 255.0F;
  examples.sha256 = sha256_hex(std::string(images) + labels_bytes);
  return examples;
}

}  // namespace nibble
