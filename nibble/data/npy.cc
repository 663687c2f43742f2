#include "nibble/data/npy.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
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
float load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<float>(value);
}

struct Type {
  std::string_view name;  // as numpy.dtype.str, in the quotes of the header
  std::size_t bytes;
  float (*load)(const char* value);
};

constexpr Type kTypes[] = {
    {"'<f4'", 4, load<float>},         {"'<f8'", 8, load<double>},
    {"'|u1'", 1, load<std::uint8_t>},  {"'|i1'", 1, load<std::int8_t>},
    {"'<u2'", 2, load<std::uint16_t>}, {"'<i2'", 2, load<std::int16_t>},
    {"'<u4'", 4, load<std::uint32_t>}, {"'<i4'", 4, load<std::int32_t>},
    {"'<u8'", 8, load<std::uint64_t>}, {"'<i8'", 8, load<std::int64_t>},
    {"'|b1'", 1, load<std::uint8_t>},
};

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
  const std::string_view name = value_of(header, "'descr'").substr(0, 5);
  const auto* type = std::ranges::find(kTypes, name, &Type::name);
  if (type == std::end(kTypes))
    throw_error(
        "{}: values of type {}; expected little-endian floats of 4 or 8 bytes or whole numbers "
        "(array.astype('float32'))",
        name_, name);
  value_bytes_ = type->bytes;
  load_ = type->load;
}

void NpyFile::set_shape(std::string_view header) {
  const std::vector<std::size_t> shape = parse_tuple(value_of(header, "'shape'"));
  if (shape.empty() || shape.size() > 2)
    throw_error("{}: this array has {} dimensions; expected two, rows and columns", name_,
                shape.size());
  rows_ = shape.size() == 2 ? shape.front() : 1;
  columns_ = shape.back();
  // Compared by division: rows times columns of a forged header may not fit a size_t.
  const std::size_t held = values_.size() / value_bytes_;
  if (columns_ == 0 || rows_ > held / columns_)
    throw_error("{}: the header promises {} x {} values, the file holds {}", name_, rows_, columns_,
                held);
}

DenseRows NpyFile::read_rows(std::size_t first, std::size_t count) const {
  DenseRows rows(count, columns_);
  for (std::size_t index = 0; index < rows.values.size(); ++index) {
    rows.values[index] = load_(values_.data() + (first * columns_ + index) * value_bytes_);
    if (!std::isfinite(rows.values[index]))
      throw_error("{}: value {} of row {} is not a finite float32", name_, index % columns_ + 1,
                  first + index / columns_ + 1);
  }
  return rows;
}

}  // namespace nibble
