#include "nibble/formats/protobuf.h"

#include <bit>
#include <utility>

#include "nibble/core/error.h"

namespace nibble {
namespace {

constexpr unsigned kBitsPerByte = 7;
constexpr unsigned kLastShift = 63;  // of the tenth byte, which has room for one bit
constexpr std::uint8_t kMore = 0x80;
constexpr unsigned kTypeBits = 3;
constexpr std::uint64_t kLargestField = (std::uint64_t{1} << 29) - 1;

void require(const WireField& field, WireType type, std::string_view what) {
  if (field.type == type) return;
  throw_error("field {} of the protocol buffer has wire type {}; expected {}", field.number,
              static_cast<unsigned>(field.type), what);
}

}  // namespace

std::span<const std::byte> WireField::message() const {
  require(*this, WireType::kBytes, "a message");
  return bytes;
}

std::string_view WireField::text() const {
  require(*this, WireType::kBytes, "text");
  return text_of(bytes);
}

std::int64_t WireField::integer() const {
  require(*this, WireType::kVarint, "a whole number");
  return static_cast<std::int64_t>(value);
}

float WireField::float32() const {
  require(*this, WireType::kFixed32, "a float");
  return std::bit_cast<float>(static_cast<std::uint32_t>(value));
}

std::uint64_t read_varint(ByteReader& reader, std::string_view what) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += kBitsPerByte) {
    const auto byte = reader.number<std::uint8_t>();
    if (shift == kLastShift && byte > 1)
      throw_error("{} holds a number of more than 64 bits before offset {}", what,
                  reader.position());
    value |= static_cast<std::uint64_t>(byte & (kMore - 1U)) << shift;
    if ((byte & kMore) == 0) return value;
  }
}

std::optional<WireField> WireReader::next() {
  if (reader_.left() == 0) return std::nullopt;
  const std::size_t offset = reader_.position();
  const std::uint64_t tag = read_varint(reader_, what_);
  const std::uint64_t number = tag >> kTypeBits;
  if (number == 0 || number > kLargestField)
    throw_error("{} has a field numbered {} at offset {}, which no protocol buffer can have", what_,
                number, offset);
  WireField field{static_cast<std::uint32_t>(number), static_cast<WireType>(tag & 7U), 0, {}};
  switch (field.type) {
    case WireType::kVarint:
      field.value = read_varint(reader_, what_);
      return field;
    case WireType::kFixed64:
      field.value = reader_.number<std::uint64_t>();
      return field;
    case WireType::kFixed32:
      field.value = reader_.number<std::uint32_t>();
      return field;
    case WireType::kBytes:
      field.bytes = reader_.take(read_varint(reader_, what_));
      return field;
  }
  throw_error("{} has a field of wire type {} at offset {}; expected 0, 1, 2 or 5", what_, tag & 7U,
              offset);
}

std::size_t varint_size(std::uint64_t value) {
  return value == 0 ? 1 : (std::bit_width(value) + kBitsPerByte - 1) / kBitsPerByte;
}

std::string& WireMessage::tail() {
  if (pieces_.empty() || !std::holds_alternative<std::string>(pieces_.back()))
    pieces_.emplace_back(std::string());
  return std::get<std::string>(pieces_.back());
}

void WireMessage::varint(std::uint64_t value, std::size_t at_least) {
  std::string& bytes = tail();
  std::size_t count = 1;
  for (; value >= kMore || count < at_least; value >>= kBitsPerByte, ++count)
    bytes += static_cast<char>((value & (kMore - 1U)) | kMore);
  bytes += static_cast<char>(value);
  size_ += count;
}

void WireMessage::tag(std::uint32_t field, WireType type) {
  varint((std::uint64_t{field} << kTypeBits) | static_cast<std::uint64_t>(type));
}

void WireMessage::integer(std::uint32_t field, std::int64_t value) {
  tag(field, WireType::kVarint);
  varint(static_cast<std::uint64_t>(value));
}

void WireMessage::float32(std::uint32_t field, float value) {
  tag(field, WireType::kFixed32);
  append_number(tail(), value);
  size_ += sizeof(float);
}

void WireMessage::text(std::uint32_t field, std::string_view text) {
  tag(field, WireType::kBytes);
  varint(text.size());
  tail().append(text);
  size_ += text.size();
}

void WireMessage::view(std::uint32_t field, std::span<const std::byte> bytes) {
  tag(field, WireType::kBytes);
  varint(bytes.size());
  pieces_.emplace_back(bytes);
  size_ += bytes.size();
}

void WireMessage::begin_message(std::uint32_t field, std::size_t size, std::size_t length_bytes) {
  tag(field, WireType::kBytes);
  varint(size, length_bytes);
}

void WireMessage::message(std::uint32_t field, WireMessage inner) {
  begin_message(field, inner.size(), 1);
  append(std::move(inner));
}

void WireMessage::append(WireMessage fields) {
  size_ += fields.size_;
  for (Piece& piece : fields.pieces_) {
    if (const auto* own = std::get_if<std::string>(&piece)) {
      tail().append(*own);
    } else {
      pieces_.push_back(std::move(piece));
    }
  }
}

void WireMessage::write(AtomicFile& file) const {
  for (const Piece& piece : pieces_)
    std::visit([&file](const auto& bytes) { file.write(bytes); }, piece);
}

}  // namespace nibble
