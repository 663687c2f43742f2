#include "nibble/core/utf8.h"

#include <cstdint>
#include <cstring>

namespace nibble {
namespace {

struct Lead {
  std::size_t bytes;  // 0: not a lead byte
  char32_t bits;      // the lead's share of the value
  char32_t least;     // smaller values would be overlong
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xC2 && byte < 0xE0) return {2, static_cast<char32_t>(byte & 0x1F), 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return {3, static_cast<char32_t>(byte & 0x0F), 0x800};
  if (byte >= 0xF0 && byte < 0xF5) return {4, static_cast<char32_t>(byte & 0x07), 0x10000};
  return {0, 0, 0};
}

bool is_scalar(char32_t value) { return value < 0x110000 && (value < 0xD800 || value > 0xDFFF); }

// Nothing (0 bytes) when the bytes at `position` are not a character.
CodePoint decode_strictly(std::string_view text, std::size_t position) {
  const Lead lead = lead_of(static_cast<unsigned char>(text[position]));
  if (lead.bytes == 0 || text.size() - position < lead.bytes) return {};
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[position + i]);
    if ((byte & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte & 0x3FU);
  }
  if (value < lead.least || !is_scalar(value)) return {};
  return {value, lead.bytes};
}

bool eight_ascii_at(std::string_view text, std::size_t position) {
  if (text.size() - position < 8) return false;
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + position, sizeof(word));
  return (word & 0x8080808080808080) == 0;
}

}  // namespace

CodePoint decode_utf8(std::string_view text, std::size_t position) {
  const CodePoint point = decode_strictly(text, position);
  return point.bytes == 0 ? CodePoint{kReplacement, 1} : point;
}

void append_utf8(char32_t value, std::string& text) {
  const auto tail = [&](int shift) {
    text.push_back(static_cast<char>(0x80 | ((value >> shift) & 0x3F)));
  };
  if (value < 0x80) {
    text.push_back(static_cast<char>(value));
  } else if (value < 0x800) {
    text.push_back(static_cast<char>(0xC0 | (value >> 6)));
    tail(0);
  } else if (value < 0x10000) {
    text.push_back(static_cast<char>(0xE0 | (value >> 12)));
    tail(6);
    tail(0);
  } else {
    text.push_back(static_cast<char>(0xF0 | (value >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (eight_ascii_at(text, i)) {
      i += 8;
      continue;
    }
    const CodePoint point = decode_strictly(text, i);
    if (point.bytes == 0) return i;
    i += point.bytes;
  }
  return std::nullopt;
}

}  // namespace nibble
