// Product quantization: every code of every width, bytes, and error beside a plain k-means.
#include "nibble/quant/pq.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/quant/encodings.h"
#include "nibble/quant/half.h"
#include "nibble/quant/kernel_form.h"
#include "nibble/quant/recipe.h"
#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

std::vector<PqForm> forms() {
  std::vector<PqForm> result;
  for (const unsigned width : {1U, 2U, 4U, 7U, 16U, 32U}) {
    for (unsigned bits = (width + 3) / 4; bits <= 8; ++bits) {
      for (const bool by_place : {false, true}) {
        for (const bool norms : {false, true}) result.push_back({width, bits, by_place, norms});
      }
    }
  }
  return result;
}

std::size_t divided_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

TEST(Pq, TakesTheStatedBytes) {
  for (const auto& [inputs, outputs] : {std::pair{33U, 65U}, {1U, 1U}, {3U, 31U}, {300U, 2U}}) {
    const auto weight = normal_weights(inputs, outputs, 0.1F);
    for (const PqForm& form : forms()) {
      const PqMatrix encoded = encode_pq(weight, form);
      const std::size_t width = std::min<std::size_t>(form.width, outputs);
      const std::size_t places = divided_up(outputs, width);
      const std::size_t vectors = form.by_place ? inputs : inputs * places;
      const std::size_t centroids = std::min(std::size_t{1} << form.bits, vectors);
      const EncodedBytes bytes = stored_bytes(encoded);
      EXPECT_EQ(bytes.codes, divided_up(inputs * places * form.bits, 8) + (form.norms ? inputs : 0))
          << text_of(form);
      EXPECT_EQ(bytes.scales, 2 * ((form.by_place ? places : 1) * centroids * width +
                                   (form.norms ? std::min(inputs, 256U) : 0)))
          << text_of(form);
      EXPECT_NO_THROW(require_sound(encoded, 0)) << text_of(form);
      EXPECT_EQ(decode(encoded).rows, inputs);
      EXPECT_EQ(output_count(encoded), outputs);
    }
  }
}

// Weights whose vectors are 2^bits different ones, each a power of two away from the next.
TEST(Pq, EveryCodeComesBack) {
  for (unsigned bits = 1; bits <= 8; ++bits) {
    const std::size_t count = std::size_t{1} << bits;
    Matrix<float> weight(2 * count, 6);
    for (std::size_t i = 0; i < weight.rows; ++i) {
      for (std::size_t o = 0; o < 6; ++o)
        weight.at(i, o) = static_cast<float>(i % count + o) * 0.25F - 8.0F;
    }
    for (const bool by_place : {false, true}) {
      if (!by_place) {  // both vectors of an input the same
        for (std::size_t i = 0; i < weight.rows; ++i)
          std::copy_n(weight.row(i).begin(), 3, weight.row(i).begin() + 3);
      }
      const PqMatrix encoded = encode_pq(weight, {3, bits, by_place, false});
      EXPECT_EQ(decode(encoded), weight) << bits;
      EXPECT_EQ(decode(kernel_form(encoded)), weight) << bits;
    }
  }
}

std::size_t nearest(std::span<const float> vector, const std::vector<std::vector<float>>& book) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < book.size(); ++c) {
    double sum = 0.0;
    for (std::size_t d = 0; d < vector.size(); ++d) sum += std::pow(vector[d] - book[c][d], 2);
    if (sum >= least) continue;
    least = sum;
    best = c;
  }
  return best;
}

// Twenty of Lloyd's steps over all vectors, from `k` of them in a row; the squared error.
double plain_error(const Matrix<float>& weight, std::size_t width, std::size_t k) {
  std::vector<std::vector<float>> book;
  std::vector<std::span<const float>> vectors;
  for (std::size_t i = 0; i < weight.rows; ++i) {
    for (std::size_t o = 0; o < weight.columns; o += width)
      vectors.push_back(weight.row(i).subspan(o, width));
  }
  for (std::size_t c = 0; c < k; ++c) book.emplace_back(vectors[c].begin(), vectors[c].end());
  for (int step = 0; step < 20; ++step) {
    std::vector<std::vector<double>> sums(k, std::vector<double>(width + 1));
    for (const auto vector : vectors) {
      auto& sum = sums[nearest(vector, book)];
      sum.back() += 1.0;
      for (std::size_t d = 0; d < width; ++d) sum[d] += static_cast<double>(vector[d]);
    }
    for (std::size_t c = 0; c < k; ++c) {
      for (std::size_t d = 0; d < width && sums[c].back() > 0.0; ++d)
        book[c][d] = static_cast<float>(sums[c][d] / sums[c].back());
    }
  }
  double error = 0.0;
  for (const auto vector : vectors) {
    const auto& centroid = book[nearest(vector, book)];
    for (std::size_t d = 0; d < width; ++d) error += std::pow(vector[d] - centroid[d], 2);
  }
  return error;
}

TEST(Pq, DistortionIsThatOfAPlainKMeansOrLess) {
  for (const auto& weight : {normal_weights(64, 128, 0.1F), uniform_weights(64, 128, 0.2F)}) {
    for (const std::size_t width : {2U, 4U, 8U}) {
      const double error = squared_error(weight, decode(encode_pq(weight, {width})));
      EXPECT_LE(error, 1.01 * plain_error(weight, width, 256)) << width;
    }
  }
}

// An input's weights that all are one pattern times a number of its own.
Matrix<float> rank_one(std::size_t inputs, std::size_t outputs) {
  const auto scores = normal_weights(inputs, 1, 1.0F);
  const auto pattern = normal_weights(1, outputs, 0.1F, 2);
  Matrix<float> weight(inputs, outputs);
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t o = 0; o < outputs; ++o) weight.at(i, o) = scores.at(i, 0) * pattern.at(0, o);
  }
  return weight;
}

TEST(Pq, BooksOfTheirOwnFollowPlacesThatDiffer) {
  const auto weight = rank_one(600, 64);
  const double one_book = squared_error(weight, decode(encode_pq(weight, {8})));

  EXPECT_LT(squared_error(weight, decode(encode_pq(weight, {8, 8, true, false}))), one_book / 100);
  // One bit for the sign of each input's pattern, and its norm.
  EXPECT_LT(squared_error(weight, decode(encode_pq(weight, {4, 1, true, true}))), one_book / 100);
}

TEST(Pq, ZerosTinyAndTheLargestWeightsSurvive) {
  for (const PqForm& form : forms()) {
    for (const float w : {0.0F, 1e-42F, 1e-30F, kLargestF16}) {
      Matrix<float> weight(3, 33);
      std::fill(weight.values.begin(), weight.values.end(), w);
      weight.at(1, 1) = -w;
      for (const float value : decode(encode_pq(weight, form)).values) {
        EXPECT_TRUE(std::isfinite(value)) << text_of(form);
        EXPECT_LE(std::fabs(value), std::max(1.01F * w, 0x1p-24F)) << text_of(form);
      }
    }
  }
}

TEST(Pq, NamesGoBothWays) {
  for (const PqForm& form : forms()) {
    EXPECT_EQ(encoding_from(text_of(form)), Encoding(form));
    EXPECT_EQ(text_of(Encoding(form)), text_of(form));
  }
  EXPECT_EQ(pq_form_from("pq4:tensor"), PqForm());
  EXPECT_EQ(pq_form_from("pq8x4:norm:channel"), (PqForm{8, 4, true, true}));
  for (const char* wrong :
       {"pq", "pq0", "pqx4", "pq4x", "pq4x0", "pq4x9", "pq4x99999999999999999999", "pq33", "pq5x1",
        "pq18446744073709551615x8", "pq4y", "pq4:", "pq4:row", "pq4:g32", "pq-1"})
    EXPECT_THROW(encoding_from(wrong), Error) << wrong;
}

template <typename Damage>
void expect_refused(const PqForm& form, const Damage& damage) {
  PqMatrix matrix = encode_pq(normal_weights(3, 7, 0.1F), form);
  damage(matrix);
  EXPECT_THROW(require_sound(matrix, 0), Error) << text_of(form);
}

TEST(Pq, DamageIsRefused) {
  const auto with_code = [](std::uint8_t code) {
    return [code](PqMatrix& matrix) {
      Matrix<std::uint8_t> codes(1, matrix.codes.columns);
      std::ranges::copy(matrix.codes.values, codes.values.begin());
      codes.values.back() = code;
      matrix.codes = std::move(codes);
    };
  };
  expect_refused({2}, with_code(12));          // 3 inputs with 4 vectors: 12 centroids
  expect_refused({2, 3}, with_code(0xF8));     // 36 bits: four are left over
  expect_refused({2, 8, true}, with_code(3));  // a book of three
  expect_refused({2}, [](PqMatrix& m) { m.centroids = matrix_of<std::uint16_t>(1, 2, 0, 0); });
  expect_refused({2}, [](PqMatrix& m) { m.form.norms = true; });
  expect_refused({2}, [](PqMatrix& m) { m.norms = matrix_of<std::uint16_t>(1, 1, 0); });
  expect_refused({2}, [](PqMatrix& m) { m.outputs = 9; });
  expect_refused({2}, [](PqMatrix& m) { m.inputs = 0; });
  const auto no_number = [](std::size_t rows, std::size_t columns) {
    Matrix<std::uint16_t> numbers(rows, columns);
    numbers.values.back() = 0x7C00;
    return numbers;
  };
  expect_refused({2}, [&](PqMatrix& m) { m.centroids = no_number(12, 2); });
  expect_refused({2, 8, false, true}, [&](PqMatrix& m) { m.norms = no_number(1, 3); });
  expect_refused({2, 8, false, true},
                 [](PqMatrix& m) { m.norm_codes = matrix_of<std::uint8_t>(1, 3, 0, 1, 3); });
}

}  // namespace
}  // namespace nibble
