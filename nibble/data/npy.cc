#include "nibble/data/npy.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "nibble/core/error.h"

namespace nibble {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kVersionAt = 6;
constexpr std::size_t kLengthAt = 8;

std::size_t little_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t index = bytes.size(); index-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[index]);
  return value;
}

struct Parts {
  std::string_view header;  // a Python dictionary, as text
  std::string_view values;
};

Parts split_file(std::string_view bytes, const std::string& name) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kLengthAt)
    throw_error("{}: this is no .npy file; expected one that numpy.save wrote", name);
  // Version 1.0 has a length of two bytes, later ones of four.
  const std::size_t length_bytes = bytes[kVersionAt] == 1 ? 2 : 4;
  const std::size_t header_at = kLengthAt + length_bytes;
  const std::size_t length = bytes.size() < header_at
                                 ? bytes.size()
                                 : little_endian(bytes.substr(kLengthAt, length_bytes));
  if (bytes.size() < header_at || bytes.size() - header_at < length)
    throw_error("{}: this .npy file ends inside its header", name);
  return {bytes.substr(header_at, length), bytes.substr(header_at + length)};
}

// What follows "'key':" in the dictionary, without leading blanks; empty when the key is missing.
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  header.remove_prefix(at + key.size());
  header.remove_prefix(std::min(header.find_first_not_of(": "), header.size()));
  return header;
}

// "(3, 4)" -> {3, 4}; nothing when it is no such tuple.
std::vector<std::size_t> parse_tuple(std::string_view text) {
  std::vector<std::size_t> sizes;
  if (!text.starts_with('(')) return sizes;
  while (true) {
    text.remove_prefix(std::min(text.find_first_of("0123456789)"), text.size()));
    if (text.empty() || text.front() == ')') return sizes;
    std::size_t size = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (code != std::errc()) return {};
    sizes.push_back(size);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

template <typename T>
float load(std::string_view values, std::size_t index) {
  T value;
  std::memcpy(&value, values.data() + index * sizeof(T), sizeof(T));
  return static_cast<float>(value);
}

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& path) : name_(path.string()), file_(path) {
  const Parts parts = split_file(file_.text(), name_);
  values_ = parts.values;
  set_type(parts.header);
  if (!value_of(parts.header, "'fortran_order'").starts_with("False"))
    throw_error("{}: this array is in Fortran order; expected C order (numpy.ascontiguousarray)",
                name_);
  set_shape(parts.header);
}

void NpyFile::set_type(std::string_view header) {
  const std::string_view type = value_of(header, "'descr'").substr(0, 5);
  if (type == "'<f4'")
    type_ = Type::kFloat32;
  else if (type == "'<f8'")
    type_ = Type::kFloat64;
  else if (type == "'|u1'")
    type_ = Type::kByte;
  else
    throw_error("{}: values of type {}; expected '<f4', '<f8' or '|u1' (array.astype('float32'))",
                name_, type);
}

void NpyFile::set_shape(std::string_view header) {
  const std::vector<std::size_t> shape = parse_tuple(value_of(header, "'shape'"));
  if (shape.empty() || shape.size() > 2)
    throw_error("{}: this array has {} dimensions; expected two, rows and columns", name_,
                shape.size());
  rows_ = shape.size() == 2 ? shape.front() : 1;
  columns_ = shape.back();
  // Compared by division: rows times columns of a forged header may not fit a size_t.
  const std::size_t held = values_.size() / value_bytes();
  if (columns_ == 0 || rows_ > held / columns_)
    throw_error("{}: the header promises {} x {} values, the file holds {}", name_, rows_, columns_,
                held);
}

std::size_t NpyFile::value_bytes() const {
  switch (type_) {
    case Type::kFloat32:
      return sizeof(float);
    case Type::kFloat64:
      return sizeof(double);
    case Type::kByte:
      break;
  }
  return 1;
}

float NpyFile::value_at(std::size_t index) const {
  switch (type_) {
    case Type::kFloat32:
      return load<float>(values_, index);
    case Type::kFloat64:
      return load<double>(values_, index);
    case Type::kByte:
      break;
  }
  return load<std::uint8_t>(values_, index);
}

DenseRows NpyFile::read_rows(std::size_t first, std::size_t count) const {
  DenseRows rows(count, columns_);
  for (std::size_t index = 0; index < rows.values.size(); ++index) {
    rows.values[index] = value_at(first * columns_ + index);
    if (!std::isfinite(rows.values[index]))
      throw_error("{}: value {} of row {} is not a finite float32", name_, index % columns_ + 1,
                  first + index / columns_ + 1);
  }
  return rows;
}

}  // namespace nibble
