// Numbers and pieces out of bytes that someone else wrote. Every read is checked against the bytes
// that are there; a read past the end is an Error that names the structure and the place.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "nibble/core/error.h"

namespace nibble {

// Numbers are copied between files and memory as they lie.
static_assert(std::endian::native == std::endian::little, "the file formats are little-endian");

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <typename T>
requires std::is_trivially_copyable_v<T>
void append_number(std::string& bytes, T number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof(T));
}

class ByteReader {
 public:
  // `what` is for messages ("the pickle"); it must outlive the reader, as must the bytes.
  ByteReader(std::span<const std::byte> bytes, std::string_view what)
      : bytes_(bytes), what_(what) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > left()) {
      throw_error("{} ends too early: {} bytes expected at offset {}, {} are left", what_, count,
                  position_, left());
    }
    const auto piece = bytes_.subspan(position_, count);
    position_ += count;
    return piece;
  }

  std::string_view text(std::uint64_t count) { return text_of(take(count)); }

  template <typename T>
  requires std::is_trivially_copyable_v<T> T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  // Up to the next line feed, which is taken too.
  std::string_view line() {
    const std::size_t length = text_of(bytes_.subspan(position_)).find('\n');
    if (length == std::string_view::npos)
      throw_error("{} ends too early: no line feed after offset {}", what_, position_);
    const std::string_view result = text(length);
    take(1);
    return result;
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
  std::size_t position_ = 0;
};

}  // namespace nibble
