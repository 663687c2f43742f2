// Grouped encodings against a search over every float16 scale.
#include "nibble/quant/grouped.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/quant/binary_code.h"
#include "nibble/quant/encodings.h"
#include "nibble/quant/fp8.h"
#include "nibble/quant/half.h"
#include "nibble/quant/integer_code.h"
#include "nibble/quant/kernel_form.h"
#include "nibble/quant/nf4.h"
#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

template <typename Code>
double error_of(std::span<const float> w, const Code& code, float scale) {
  double sum = 0.0;
  for (const float value : w)
    sum += std::pow(
        static_cast<double>(value) - static_cast<double>(scale * code.nearest(value / scale)), 2);
  return sum;
}

// The least squared error of one block among all float16 scales of magnitude 2^-14 .. 16, both
// signs.
template <typename Code>
double least_error(std::span<const float> w, const Code& code) {
  double least = std::numeric_limits<double>::infinity();
  for (unsigned bits = 0x0400; bits < 0x4C00; ++bits) {
    const float scale = float_from_f16(static_cast<std::uint16_t>(bits));
    least = std::min({least, error_of(w, code, scale), error_of(w, code, -scale)});
  }
  return least;
}

double least_error(std::span<const float> w, CodeKind kind) {
  switch (kind) {
    case CodeKind::kBinary:
      return least_error(w, BinaryCode());
    case CodeKind::kTernary:
      return least_error(w, ternary_code());
    case CodeKind::kNf4:
      return least_error(w, Nf4Code());
    case CodeKind::kFp8:
      return least_error(w, Fp8Code());
    default:
      return least_error(w, symmetric_code(integer_bits(kind)));
  }
}

// Sum over groups of 32 of the error that the encoder leaves, and of the least possible.
void expect_near_best(const Matrix<float>& weight, CodeKind kind) {
  const GroupedMatrix encoded = encode_grouped(weight, {kind, {1, 32}, false});
  double least = 0.0;
  for (std::size_t i = 0; i < weight.rows; ++i) least += least_error(weight.row(i), kind);
  const double error = squared_error(weight, decode(encoded));
  EXPECT_LE(error, 1.01 * least) << name_of(kind) << ": " << error / least;
}

TEST(Grouped, DistortionIsWithinAPercentOfTheBestScale) {
  for (const CodeKind kind : kCodeKinds) {
    expect_near_best(normal_weights(24, 32, 0.1F), kind);
    expect_near_best(uniform_weights(24, 32, 0.2F), kind);
  }
}

// One block for everything: the best scale is far below the largest weight's.
TEST(Grouped, DistortionOfALargeBlockIsWithinAPercentOfTheBestScale) {
  for (const CodeKind kind : kCodeKinds) {
    for (const auto& weight : {normal_weights(1, 1000, 0.1F), uniform_weights(1, 1000, 0.2F)}) {
      const double error =
          squared_error(weight, decode(encode_grouped(weight, {kind, {0, 0}, false})));

      EXPECT_LE(error, 1.01 * least_error(weight.row(0), kind)) << name_of(kind);
    }
  }
}

double weighed_error(const Matrix<float>& a, const Matrix<float>& b,
                     std::span<const float> importance) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t o = 0; o < a.columns; ++o)
      sum += importance[i] * std::pow(1.0 * a.at(i, o) - b.at(i, o), 2);
  }
  return sum;
}

// Of the weights of one output, all float16 scales tried.
template <typename Code>
double least_weighed_error(const Matrix<float>& w, std::span<const float> importance,
                           const Code& code) {
  double least = std::numeric_limits<double>::infinity();
  for (unsigned bits = 0x0400; bits < 0x4C00; ++bits) {
    for (const float scale : {float_from_f16(static_cast<std::uint16_t>(bits)),
                              -float_from_f16(static_cast<std::uint16_t>(bits))}) {
      double sum = 0.0;
      for (std::size_t i = 0; i < w.rows; ++i)
        sum += importance[i] * error_of(w.row(i), code, scale);
      least = std::min(least, sum);
    }
  }
  return least;
}

// A few inputs count a thousand times as much as others.
std::vector<float> uneven_importance(std::size_t inputs) {
  std::vector<float> importance;
  for (std::size_t i = 0; i < inputs; ++i)
    importance.push_back(i % 7 == 3 ? 5.0F : 0.005F * static_cast<float>(1 + i % 3));
  return importance;
}

TEST(Grouped, WeighedDistortionIsWithinAPercentOfTheBestScale) {
  for (const std::size_t inputs : {2U, 31U, 32U, 64U, 129U}) {
    const auto weight = normal_weights(inputs, 1, 0.1F, 5);
    const auto importance = uneven_importance(inputs);
    const auto error_with = [&](CodeKind kind) {
      return weighed_error(
          weight, decode(encode_grouped(weight, {kind, {0, 1}, false}, importance)), importance);
    };
    EXPECT_LE(error_with(CodeKind::kBinary),
              1.01 * least_weighed_error(weight, importance, BinaryCode()));
    EXPECT_LE(error_with(CodeKind::kTernary),
              1.01 * least_weighed_error(weight, importance, ternary_code()));
    EXPECT_LE(error_with(CodeKind::kInt3),
              1.01 * least_weighed_error(weight, importance, symmetric_code(3)));
  }
}

TEST(Grouped, ImportanceLowersWhatItWeighs) {
  const auto weight = normal_weights(64, 40, 0.1F, 6);
  const auto importance = uneven_importance(64);
  for (const bool asymmetric : {false, true}) {
    for (const BlockShape block : {BlockShape{32, 1}, BlockShape{0, 1}, BlockShape{0, 0}}) {
      const GroupedForm form{CodeKind::kInt2, block, asymmetric};
      const auto plain = decode(encode_grouped(weight, form));
      const auto weighed = decode(encode_grouped(weight, form, importance));
      EXPECT_LT(weighed_error(weight, weighed, importance),
                weighed_error(weight, plain, importance));
      EXPECT_GT(squared_error(weight, weighed), squared_error(weight, plain));
    }
  }
}

TEST(Grouped, ImportanceSaysNothingWithinOneInputOrWhenItIsEven) {
  const auto weight = normal_weights(33, 65, 0.1F, 7);
  const GroupedForm rows{CodeKind::kInt3, {1, 32}, false};
  EXPECT_EQ(encode_grouped(weight, rows, uneven_importance(33)), encode_grouped(weight, rows));
  const GroupedForm groups{CodeKind::kInt3, {32, 1}, false};
  EXPECT_EQ(encode_grouped(weight, groups, std::vector<float>(33, 4.0F)),
            encode_grouped(weight, groups));
}

TEST(Grouped, AsymmetricIntegersFitWeightsOnOneSideBetterAndKeepZero) {
  Matrix<float> weight = uniform_weights(16, 64, 0.1F);
  for (float& w : weight.values) w = std::fabs(w);
  weight.at(0, 0) = 0.0F;
  for (unsigned bits = 2; bits <= 8; ++bits) {
    const auto kind = *code_kind_named("int" + std::to_string(bits));
    const auto even = decode(encode_grouped(weight, {kind, {1, 32}, false}));
    const auto uneven = decode(encode_grouped(weight, {kind, {1, 32}, true}));
    EXPECT_LT(squared_error(weight, uneven), 0.6 * squared_error(weight, even)) << bits;
    EXPECT_EQ(uneven.at(0, 0), 0.0F);
  }
}

// Every zero point with every float16 scale.
double least_asymmetric_error(std::span<const float> w, unsigned bits) {
  double least = std::numeric_limits<double>::infinity();
  for (int zero = 0; zero < 1 << bits; ++zero) {
    for (unsigned scale = 0x1400; scale < 0x3800;
         scale += 4) {  // 2^-10 .. 0.5, 1 part in 256 apart
      const float value = float_from_f16(static_cast<std::uint16_t>(scale));
      least = std::min(least, error_of(w, asymmetric_code(bits, zero), value));
    }
  }
  return least;
}

TEST(Grouped, DistortionWithZeroPointsIsWithinAPercentOfTheBestPair) {
  for (const unsigned bits : {2U, 3U, 4U}) {
    for (auto weight : {normal_weights(24, 32, 0.1F), uniform_weights(24, 32, 0.2F)}) {
      for (float& w : weight.values) w += 0.05F;
      const auto kind = *code_kind_named("int" + std::to_string(bits));
      const double error =
          squared_error(weight, decode(encode_grouped(weight, {kind, {1, 32}, true})));
      double least = 0.0;
      for (std::size_t i = 0; i < weight.rows; ++i)
        least += least_asymmetric_error(weight.row(i), bits);
      EXPECT_LE(error, 1.01 * least) << bits << ": " << error / least;
    }
  }
}

std::vector<GroupedForm> forms() {
  std::vector<GroupedForm> result;
  for (const CodeKind kind : kCodeKinds) {
    for (const BlockShape block : {BlockShape{0, 0}, BlockShape{0, 1}, BlockShape{1, 0},
                                   BlockShape{1, 32}, BlockShape{64, 1}, BlockShape{5, 7}}) {
      result.push_back({kind, block, false});
      if (is_integer(kind)) result.push_back({kind, block, true});
    }
  }
  return result;
}

TEST(Grouped, TakesTheStatedBytes) {
  const auto weight = normal_weights(33, 65, 0.1F);
  for (const GroupedForm& form : forms()) {
    const EncodedMatrix encoded = encode_grouped(weight, form);
    const EncodedBytes bytes = stored_bytes(encoded);
    const std::size_t blocks =
        blocks_along(33, form.block.inputs) * blocks_along(65, form.block.outputs);
    EXPECT_EQ(bytes.codes, static_cast<std::size_t>(
                               std::ceil(33.0 * 65.0 * bits_per_code(form.kind) / 8.0 - 1e-9)))
        << encoding_name(encoded);
    EXPECT_EQ(bytes.scales, blocks * (form.asymmetric ? 3 : 2)) << encoding_name(encoded);
    EXPECT_EQ(input_count(encoded), 33U);
    EXPECT_EQ(output_count(encoded), 65U);
    EXPECT_NO_THROW(require_sound(std::get<GroupedMatrix>(encoded), 0));
  }
}

TEST(Grouped, ZerosAndTinyWeightsStaySmall) {
  for (const GroupedForm& form : forms()) {
    for (const float w : {0.0F, 1e-30F, 1e-42F}) {
      Matrix<float> weight(3, 33);
      std::fill(weight.values.begin(), weight.values.end(), w);
      for (const float value : decode(encode_grouped(weight, form)).values)
        EXPECT_LE(std::fabs(value), 0x1p-24F);
    }
  }
}

TEST(Grouped, TheLargestWeightsSurvive) {
  for (const GroupedForm& form : forms()) {
    Matrix<float> weight(2, 33);
    std::fill(weight.values.begin(), weight.values.end(), kLargestF16);
    for (const float value : decode(encode_grouped(weight, form)).values)
      EXPECT_NEAR(value, kLargestF16, 0.07F * kLargestF16);
  }
}

TEST(KernelForm, HasTheVeryWeights) {
  for (const std::size_t outputs : {1U, 2U, 65U, 512U}) {
    const auto weight = normal_weights(70, outputs, 0.1F);
    for (const GroupedForm& form : forms()) {
      const GroupedMatrix encoded = encode_grouped(weight, form);
      EXPECT_EQ(decode(kernel_form(encoded)), decode(encoded)) << encoding_name(encoded);
    }
  }
}

TEST(KernelForm, PicksTheKernelsThatTheTableNames) {
  const auto weight = normal_weights(64, 64, 0.1F);
  const auto form_name = [&](CodeKind kind, BlockShape block, bool asymmetric) {
    return encoding_name(kernel_form(encode_grouped(weight, {kind, block, asymmetric})));
  };
  EXPECT_EQ(form_name(CodeKind::kInt3, {1, 32}, false), "int4:outputs");
  EXPECT_EQ(form_name(CodeKind::kInt2, {1, 0}, true), "int4:outputs");
  EXPECT_EQ(form_name(CodeKind::kBinary, {64, 1}, false), "int4:inputs");
  EXPECT_EQ(form_name(CodeKind::kTernary, {0, 1}, false), "int8");
  EXPECT_EQ(form_name(CodeKind::kInt6, {0, 0}, true), "int8");
  EXPECT_EQ(form_name(CodeKind::kNf4, {1, 32}, false), "f16");
  EXPECT_EQ(form_name(CodeKind::kFp8, {0, 1}, false), "f16");
  EXPECT_EQ(form_name(CodeKind::kInt8, {1, 0}, false), "f32");
  EXPECT_EQ(form_name(CodeKind::kInt4, {1, 5}, false), "f32");
}

TEST(Grouped, DamageIsRefused) {
  const auto weight = normal_weights(3, 7, 0.1F);
  const auto damaged = [&](GroupedForm form, auto damage) {
    GroupedMatrix matrix = encode_grouped(weight, form);
    damage(matrix);
    return [matrix] { require_sound(matrix, 0); };
  };
  const auto last_code = [](std::uint8_t code) {
    return [code](GroupedMatrix& matrix) {
      Matrix<std::uint8_t> codes(1, matrix.codes.columns);
      std::ranges::copy(matrix.codes.values, codes.values.begin());
      codes.values.back() = code;
      matrix.codes = std::move(codes);
    };
  };
  // 21 trits leave four places of the last byte empty; 21 bits leave three.
  EXPECT_THROW(damaged({CodeKind::kTernary, {0, 0}, false}, last_code(3))(), Error);
  EXPECT_THROW(damaged({CodeKind::kTernary, {0, 0}, false}, last_code(243))(), Error);
  EXPECT_THROW(damaged({CodeKind::kBinary, {0, 0}, false}, last_code(0x20))(), Error);
  EXPECT_THROW(damaged({CodeKind::kFp8, {0, 0}, false}, last_code(0xFF))(), Error);
  EXPECT_THROW(damaged({CodeKind::kInt4, {0, 0}, false},
                       [](GroupedMatrix& matrix) {
                         matrix.scales = matrix_of<std::uint16_t>(1, 1, 0x7C00);
                       })(),
               Error);
  EXPECT_THROW(
      damaged({CodeKind::kInt3, {0, 0}, true},
              [](GroupedMatrix& matrix) { matrix.zeros = matrix_of<std::uint8_t>(1, 1, 8); })(),
      Error);
  EXPECT_THROW(damaged({CodeKind::kInt3, {0, 0}, true}, [](GroupedMatrix& m) { m.zeros = {}; })(),
               Error);
}

}  // namespace
}  // namespace nibble
