#include "nibble/data/profile.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "nibble/core/hash.h"
#include "nibble/core/utf8.h"

namespace nibble {
namespace {

struct Hash {
  std::size_t operator()(std::string_view bytes) const { return hash_bytes(bytes); }
};
using InputSet = std::unordered_set<std::string_view, Hash>;

// The row's input as bytes: equal inputs have equal bytes.
std::string_view input_bytes(const Examples& examples, std::size_t row) {
  if (examples.is_text()) return examples.texts()[row];
  const auto values = std::as_bytes(examples.numbers().row(row));
  return {reinterpret_cast<const char*>(values.data()), values.size()};
}

// Unicode's White_Space property (PropList.txt).
bool is_white_space(char32_t value) {
  return (value >= 0x09 && value <= 0x0D) || value == 0x20 || value == 0x85 || value == 0xA0 ||
         value == 0x1680 || (value >= 0x2000 && value <= 0x200A) || value == 0x2028 ||
         value == 0x2029 || value == 0x202F || value == 0x205F || value == 0x3000;
}

bool is_blank(std::string_view text) {
  for (std::size_t position = 0; position < text.size();) {
    const CodePoint point = decode_utf8(text, position);
    if (!is_white_space(point.value)) return false;
    position += point.bytes;
  }
  return true;
}

bool is_empty(const Examples& examples, std::size_t row) {
  if (examples.is_text()) return is_blank(examples.texts()[row]);
  return std::ranges::all_of(examples.numbers().row(row),
                             [](float value) { return value == 0.0F; });
}

std::vector<LabelShare> shares_of(const Examples& examples) {
  std::vector<LabelShare> shares;
  for (const std::string& name : examples.label_names) shares.push_back({name, 0, 0.0});
  for (const Label label : examples.labels) ++shares[static_cast<std::size_t>(label)].rows;
  const auto all = static_cast<double>(examples.rows());
  for (LabelShare& share : shares) {
    share.per_cent = all == 0.0 ? 0.0 : 100.0 * static_cast<double>(share.rows) / all;
  }
  return shares;
}

}  // namespace

DataProfile profile(const Examples& examples) {
  DataProfile result;
  result.rows = examples.rows();
  result.labels = shares_of(examples);
  InputSet seen;
  seen.reserve(examples.rows());
  for (std::size_t row = 0; row < examples.rows(); ++row) {
    if (is_empty(examples, row)) ++result.empty_rows;
    if (!seen.insert(input_bytes(examples, row)).second) ++result.duplicate_rows;
  }
  return result;
}

std::size_t rows_in_common(const Examples& test, const Examples& training) {
  if (test.is_text() != training.is_text()) return 0;
  InputSet known;
  known.reserve(training.rows());
  for (std::size_t row = 0; row < training.rows(); ++row) known.insert(input_bytes(training, row));
  std::size_t count = 0;
  for (std::size_t row = 0; row < test.rows(); ++row) {
    if (known.contains(input_bytes(test, row))) ++count;
  }
  return count;
}

}  // namespace nibble
