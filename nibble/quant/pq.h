// PqMatrix, product quantization: each input's weights are cut into short vectors of neighbouring
// outputs, and each vector is stored as the number of the nearest of a few centroids (Jegou 2011;
// for text classifiers Joulin 2016, fastText's `quantize`).
//
//   w^[i][p * width + d] = centroid[book(p)][code[i][p]][d]
//   with norms: float16(norm[norm_code[i]] * that); vectors are divided by their input's norm first
//
// All places p share one book of centroids, or, `by_place`, each has its own, as in fastText. A
// book has 2^bits centroids, or as many as there are vectors for it if these are fewer; k_means.h
// finds them. They are stored as float16, and codes are chosen for what is stored. Norms,
// fastText's -qnorm, take one byte of an input, and have a book of up to 256 of their own. A width
// above the number of outputs means all outputs. The last vector of an input may be shorter; it is
// filled up with zeros.
//
// Layout: codes [inputs][places] packed without gaps (code_kind.h), so bits / width for each
// weight; centroids [books * centroids][width] of 16 bits each; norm codes [inputs], norms of 16
// bits each. All weights are float16 numbers: the float16 kernels run them, decoded once at load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_matrix.h"

namespace nibble {

// A decoded layer then takes at most 64 times the memory of its codes: a small file cannot ask for
// much.
inline constexpr std::size_t kMostPqWeightsPerBit = 4;

struct PqForm {
  std::size_t width = 4;  // weights in a vector: fastText's dsub
  unsigned bits = 8;      // of a code, 1 to 8; at least width / kMostPqWeightsPerBit
  bool by_place = false;
  bool norms = false;
  friend bool operator==(const PqForm&, const PqForm&) = default;
};

// "pq4", "pq8x4:channel:norm": width, bits unless they are 8, options.
std::string text_of(const PqForm& form);
bool is_pq_name(std::string_view text);
// The other way; "tensor" (one book for all) may stand as an option, too. An Error that says what
// is wrong.
PqForm pq_form_from(std::string_view text);

// Sizes that follow from those of a layer; inputs * outputs must not overflow.
struct PqLayout {
  PqLayout(const PqForm& form, std::size_t inputs, std::size_t outputs);
  std::size_t width;       // at most outputs
  std::size_t places;      // vectors of one input
  std::size_t codes;       // inputs * places
  std::size_t code_bytes;  // packed
  std::size_t books;       // 1, or one for each place
  std::size_t centroids;   // of a book
  std::size_t norms;       // 0 without
};

struct PqMatrix {
  PqForm form;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  SharedMatrix<std::uint8_t> codes;       // [1][code_bytes]
  SharedMatrix<std::uint16_t> centroids;  // float16, [books * centroids][width]
  SharedMatrix<std::uint8_t> norm_codes;  // [1][inputs]; empty without norms
  SharedMatrix<std::uint16_t> norms;      // float16, [1][norms]; empty without
  friend bool operator==(const PqMatrix&, const PqMatrix&) = default;
};

// Weights [inputs][outputs], finite, at most kLargestF16 in magnitude.
PqMatrix encode_pq(const Matrix<float>& weight, const PqForm& form);
Matrix<float> decode(const PqMatrix& matrix);

// An Error, naming the layer, unless sizes agree, every code has its centroid, and centroids and
// norms are finite.
void require_sound(const PqMatrix& matrix, std::size_t layer);

}  // namespace nibble
