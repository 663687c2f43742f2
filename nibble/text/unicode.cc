#include "nibble/text/unicode.h"

#include <cstdint>

#include "nibble/core/utf8.h"

namespace nibble {
namespace {

enum Flag : std::uint8_t { kWord = 1, kCased = 2, kCaseIgnorable = 4 };

struct Record {
  std::uint8_t flags;
  std::int32_t to_lower;
};

#include "nibble/text/unicode_tables.inc"

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSmallSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalIWithDot = 0x130;
constexpr char32_t kCombiningDot = 0x307;

const Record& record_of(char32_t value) {
  constexpr char32_t within = (char32_t{1} << kBlockBits) - 1;
  const std::size_t block = kBlockOf[value >> kBlockBits];
  return kRecords[kRecordOf[(block << kBlockBits) | (value & within)]];
}

bool has(char32_t value, Flag flag) { return (record_of(value).flags & flag) != 0; }

// Start of the code point that ends just before `end`. A stray continuation byte stands for itself.
std::size_t previous_start(std::string_view text, std::size_t end) {
  std::size_t start = end - 1;
  while (start > 0 && end - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) {
    --start;
  }
  return decode_utf8(text, start).bytes == end - start ? start : end - 1;
}

bool cased_before(std::string_view text, std::size_t position) {
  while (position > 0) {
    position = previous_start(text, position);
    const char32_t value = decode_utf8(text, position).value;
    if (!is_case_ignorable(value)) return is_cased(value);
  }
  return false;
}

bool cased_after(std::string_view text, std::size_t position) {
  while (position < text.size()) {
    const CodePoint point = decode_utf8(text, position);
    if (!is_case_ignorable(point.value)) return is_cased(point.value);
    position += point.bytes;
  }
  return false;
}

char32_t lower_sigma(std::string_view text, std::size_t position, std::size_t bytes) {
  const bool final = cased_before(text, position) && !cased_after(text, position + bytes);
  return final ? kFinalSigma : kSmallSigma;
}

}  // namespace

bool is_word_character(char32_t value) { return has(value, kWord); }
bool is_cased(char32_t value) { return has(value, kCased); }
bool is_case_ignorable(char32_t value) { return has(value, kCaseIgnorable); }

LowerCase lower_case(char32_t value) {
  const auto distance = static_cast<char32_t>(record_of(value).to_lower);  // wraps when negative
  return {value + distance, value == kCapitalIWithDot ? kCombiningDot : U'\0'};
}

void append_lower_case(std::string_view text, std::size_t begin, std::size_t end,
                       std::string& lowered) {
  for (std::size_t position = begin; position < end;) {
    const CodePoint point = decode_utf8(text, position);
    if (point.value == kCapitalSigma) {
      append_utf8(lower_sigma(text, position, point.bytes), lowered);
    } else {
      const LowerCase lower = lower_case(point.value);
      append_utf8(lower.first, lowered);
      if (lower.second != 0) append_utf8(lower.second, lowered);
    }
    position += point.bytes;
  }
}

}  // namespace nibble
