// Protocol buffers as they lie in a file, read and written without libprotobuf. Encoding:
// protobuf.dev/programming-guides/encoding.
//
// Our own, because libprotobuf copies every byte string that it parses, so that a model would be in
// memory twice, and because a reader of hostile files should be small. Nothing here recurses and
// nothing is allocated for what a file claims: a field is a view of bytes that are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nibble/core/file.h"
#include "nibble/formats/byte_reader.h"

namespace nibble {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// One field of a message. The accessors throw an Error when the field has another wire type.
struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;           // of a number, as it lies in the file
  std::span<const std::byte> bytes;  // of text, a message, or packed numbers

  std::span<const std::byte> message() const;
  std::string_view text() const;
  std::int64_t integer() const;
  float float32() const;
};

// The fields of one message, in the file's order; unknown ones are for the caller to pass by.
class WireReader {
 public:
  // `what` is for messages ("the ONNX graph"); it must outlive the reader, as must the bytes.
  WireReader(std::span<const std::byte> bytes, std::string_view what)
      : reader_(bytes, what), what_(what) {}
  // The next field, or nothing at the end. An Error if it reaches past the end, its number is 0 or
  // beyond 2^29, or it is a group (a form that ONNX does not use).
  std::optional<WireField> next();

 private:
  ByteReader reader_;
  std::string_view what_;
};

// A number of 1 to 10 bytes, seven bits in each, lowest first.
std::uint64_t read_varint(ByteReader& reader, std::string_view what);

// A message under construction: pieces of its own, and views of bytes that are too large to copy
// and must stay where they are until it is written.
class WireMessage {
 public:
  void integer(std::uint32_t field, std::int64_t value);
  void float32(std::uint32_t field, float value);
  void text(std::uint32_t field, std::string_view text);
  void view(std::uint32_t field, std::span<const std::byte> bytes);
  void message(std::uint32_t field, WireMessage inner);
  // Only the tag and the length of a message, whose fields follow by append(). The length takes
  // `length_bytes` bytes, more than it needs if need be.
  void begin_message(std::uint32_t field, std::size_t size, std::size_t length_bytes);
  void append(WireMessage fields);

  std::size_t size() const { return size_; }
  void write(AtomicFile& file) const;

 private:
  using Piece = std::variant<std::string, std::span<const std::byte>>;
  std::string& tail();  // the own piece that grows
  void tag(std::uint32_t field, WireType type);
  void varint(std::uint64_t value, std::size_t at_least = 1);

  std::vector<Piece> pieces_;
  std::size_t size_ = 0;
};

// Bytes that a number takes as a varint.
std::size_t varint_size(std::uint64_t value);

}  // namespace nibble
