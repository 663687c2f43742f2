#include "nibble/quant/pq.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/quant/block_shape.h"
#include "nibble/quant/code_kind.h"
#include "nibble/quant/half.h"
#include "nibble/quant/k_means.h"

namespace nibble {
namespace {

constexpr std::string_view kName = "pq";
constexpr std::size_t kMostNorms = 256;

CodeKind kind_of(const PqForm& form) {
  if (form.bits == 1) return CodeKind::kBinary;
  return static_cast<CodeKind>(static_cast<unsigned>(CodeKind::kInt2) + form.bits - 2);
}

// A number at the start of the text, which goes on behind it; 0 if there is none.
std::size_t take_number(std::string_view& text) {
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc()) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// "4", "8x4"
bool read_sizes(std::string_view text, PqForm& form) {
  form.width = take_number(text);
  std::size_t bits = 8;
  if (text.starts_with('x')) {
    text.remove_prefix(1);
    bits = take_number(text);
  }
  form.bits = static_cast<unsigned>(std::min<std::size_t>(bits, 9));
  return text.empty() && bits >= 1 && bits <= 8 && form.width >= 1 &&
         form.width <= kMostPqWeightsPerBit * bits;
}

bool read_option(std::string_view option, PqForm& form) {
  if (option == "norm") {
    form.norms = true;
  } else if (option == "channel" || option == "tensor") {
    form.by_place = option == "channel";
  } else {
    return false;
  }
  return true;
}

Matrix<float> from_f16(const SharedMatrix<std::uint16_t>& codes) {
  Matrix<float> values(codes.rows, codes.columns);
  std::ranges::transform(codes.values, values.values.begin(), float_from_f16);
  return values;
}

Matrix<std::uint16_t> to_f16(const Matrix<float>& values) {
  Matrix<std::uint16_t> codes(values.rows, values.columns);
  std::ranges::transform(values.values, codes.values.begin(), f16_from_float);
  return codes;
}

// All vectors of one book: [inputs * places][width], or of one place [inputs][width].
Matrix<float> vectors_of(const Matrix<float>& weight, const PqLayout& layout, std::size_t first,
                         std::size_t count) {
  Matrix<float> vectors(weight.rows * count, layout.width);
  for (std::size_t i = 0; i < weight.rows; ++i) {
    for (std::size_t p = 0; p < count; ++p) {
      const std::size_t from = (first + p) * layout.width;
      const auto part = weight.row(i).subspan(from, std::min(layout.width, weight.columns - from));
      std::ranges::copy(part, vectors.row(i * count + p).begin());
    }
  }
  return vectors;
}

// Learns one book and gives each vector its code.
Matrix<std::uint16_t> quantize_vectors(const Matrix<float>& vectors, std::size_t centroids,
                                       std::vector<std::uint8_t>& codes) {
  Matrix<std::uint16_t> book = to_f16(k_means(vectors, centroids).centroids);
  const NearestCentroid nearest(from_f16(book));
  codes.resize(vectors.rows);
  for (std::size_t v = 0; v < vectors.rows; ++v)
    codes[v] = static_cast<std::uint8_t>(nearest.find(vectors.row(v)).index);
  return book;
}

float norm_of(std::span<const float> row) {
  double sum = 0.0;
  for (const float w : row) sum += static_cast<double>(w) * static_cast<double>(w);
  return static_cast<float>(std::min(std::sqrt(sum), static_cast<double>(kLargestF16)));
}

Matrix<std::uint8_t> row_of(std::span<const std::uint8_t> bytes) {
  Matrix<std::uint8_t> row(1, bytes.size());
  std::ranges::copy(bytes, row.values.begin());
  return row;
}

// Stores the norms and divides each input by the one that is stored for it.
void take_norms(Matrix<float>& weight, const PqLayout& layout, PqMatrix& to) {
  Matrix<float> norms(weight.rows, 1);
  for (std::size_t i = 0; i < weight.rows; ++i) norms.at(i, 0) = norm_of(weight.row(i));
  std::vector<std::uint8_t> codes;
  Matrix<std::uint16_t> book = quantize_vectors(norms, layout.norms, codes);
  std::swap(book.rows, book.columns);
  for (std::size_t i = 0; i < weight.rows; ++i) {
    const float norm = float_from_f16(book.values[codes[i]]);
    for (float& w : weight.row(i)) w = norm == 0.0F ? 0.0F : w / norm;
  }
  to.norm_codes = row_of(codes);
  to.norms = std::move(book);
}

void take_vectors(const Matrix<float>& weight, const PqLayout& layout, PqMatrix& to) {
  const std::size_t together = layout.places / layout.books;
  Matrix<std::uint16_t> centroids(layout.books * layout.centroids, layout.width);
  AlignedVector<std::uint8_t> codes(layout.codes);
  std::vector<std::uint8_t> found;
  for (std::size_t b = 0; b < layout.books; ++b) {
    const auto book = quantize_vectors(vectors_of(weight, layout, b * together, together),
                                       layout.centroids, found);
    std::ranges::copy(book.values, centroids.row(b * layout.centroids).begin());
    for (std::size_t v = 0; v < found.size(); ++v)
      codes[v / together * layout.places + b * together + v % together] = found[v];
  }
  to.codes = row_of(pack_codes(kind_of(to.form), codes));
  to.centroids = std::move(centroids);
}

[[noreturn]] void refuse(std::size_t layer, std::string_view what) {
  throw_error("layer {} has {}; the file is damaged", layer, what);
}

void require_finite(const SharedMatrix<std::uint16_t>& numbers, std::size_t layer,
                    std::string_view what) {
  for (const std::uint16_t number : numbers.values) {
    if ((number & 0x7FFF) >= 0x7C00) refuse(layer, what);
  }
}

void require_sizes(const PqMatrix& matrix, const PqLayout& layout, std::size_t layer) {
  if (matrix.codes.values.size() != layout.code_bytes)
    refuse(layer, "codes for another number of weights");
  if (matrix.centroids.rows != layout.books * layout.centroids ||
      matrix.centroids.columns != layout.width)
    refuse(layer, "another number of centroids than its size asks for");
  if (matrix.norms.values.size() != layout.norms ||
      matrix.norm_codes.values.size() != (matrix.form.norms ? matrix.inputs : 0))
    refuse(layer, "norms where none belong, or too few");
}

}  // namespace

std::string text_of(const PqForm& form) {
  return fmt::format("{}{}{}{}{}", kName, form.width,
                     form.bits == 8 ? "" : fmt::format("x{}", form.bits),
                     form.by_place ? ":channel" : "", form.norms ? ":norm" : "");
}

bool is_pq_name(std::string_view text) { return text.starts_with(kName); }

PqForm pq_form_from(std::string_view text) {
  PqForm form;
  std::string_view rest = text;
  std::size_t colon = std::min(rest.find(':'), rest.size());
  if (!read_sizes(rest.substr(kName.size(), colon - kName.size()), form))
    throw_error(
        "the encoding '{}' names no product quantization; expected pq, the weights in a vector, "
        "and "
        "unless it is 8, x and the bits of a code (1 to 8), with at most {} weights for each bit, "
        "such as pq4 or pq8x4",
        text, kMostPqWeightsPerBit);
  while (colon < rest.size()) {
    rest.remove_prefix(colon + 1);
    colon = std::min(rest.find(':'), rest.size());
    if (!read_option(rest.substr(0, colon), form))
      throw_error(
          "the encoding '{}' has the option '{}'; expected tensor (one book of centroids), channel "
          "(one for each place) or norm",
          text, rest.substr(0, colon));
  }
  return form;
}

PqLayout::PqLayout(const PqForm& form, std::size_t inputs, std::size_t outputs)
    : width(std::min(form.width, outputs)),
      places(width == 0 ? 0 : blocks_along(outputs, width)),
      codes(inputs * places),
      code_bytes(packed_bytes(kind_of(form), codes)),
      books(form.by_place ? places : 1),
      centroids(std::min(std::size_t{1} << form.bits, form.by_place ? inputs : codes)),
      norms(form.norms ? std::min(kMostNorms, inputs) : 0) {}

PqMatrix encode_pq(const Matrix<float>& weight, const PqForm& form) {
  const PqLayout layout(form, weight.rows, weight.columns);
  PqMatrix result{form, weight.rows, weight.columns, {}, {}, {}, {}};
  if (!form.norms) {
    take_vectors(weight, layout, result);
    return result;
  }
  Matrix<float> divided = weight;
  take_norms(divided, layout, result);
  take_vectors(divided, layout, result);
  return result;
}

Matrix<float> decode(const PqMatrix& matrix) {
  const PqLayout layout(matrix.form, matrix.inputs, matrix.outputs);
  const auto codes = unpack_codes(kind_of(matrix.form), matrix.codes.values, layout.codes);
  const Matrix<float> centroids = from_f16(matrix.centroids);
  Matrix<float> weight(matrix.inputs, matrix.outputs);
  for (std::size_t i = 0; i < matrix.inputs; ++i) {
    for (std::size_t o = 0; o < matrix.outputs; ++o) {
      const std::size_t place = o / layout.width;
      const std::size_t book = layout.books == 1 ? 0 : place;
      weight.at(i, o) = centroids.at(book * layout.centroids + codes[i * layout.places + place],
                                     o % layout.width);
    }
    if (!matrix.form.norms) continue;
    const float norm = float_from_f16(matrix.norms.values[matrix.norm_codes.values[i]]);
    for (float& w : weight.row(i)) w = rounded_to_f16(norm * w);
  }
  return weight;
}

void require_sound(const PqMatrix& matrix, std::size_t layer) {
  if (matrix.inputs == 0 || matrix.outputs == 0) refuse(layer, "no weights");
  const PqLayout layout(matrix.form, matrix.inputs, matrix.outputs);
  require_sizes(matrix, layout, layer);
  require_finite(matrix.centroids, layer, "a centroid that is not finite");
  require_finite(matrix.norms, layer, "a norm that is not finite");
  const CodeKind kind = kind_of(matrix.form);
  const auto codes = unpack_codes(kind, matrix.codes.values, layout.codes);
  const auto beyond = [](std::size_t limit) {
    return [limit](std::uint8_t code) { return code >= limit; };
  };
  if (std::ranges::any_of(codes, beyond(layout.centroids)) ||
      std::ranges::any_of(matrix.norm_codes.values, beyond(layout.norms)))
    refuse(layer, "a code that has no centroid");
  if (!std::ranges::equal(pack_codes(kind, codes), matrix.codes.values))
    refuse(layer, "codes that no encoder makes");
}

}  // namespace nibble
