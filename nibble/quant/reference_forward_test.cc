#include "nibble/quant/reference_forward.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/network/reference_forward.h"
#include "nibble/quant/activations.h"
#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

// The rows of a dense matrix, without its zeros.
SparseRows without_zeros(const DenseRows& dense) {
  SparseRows sparse;
  sparse.columns = dense.columns;
  for (std::size_t r = 0; r < dense.rows; ++r) {
    for (std::size_t c = 0; c < dense.columns; ++c) {
      if (dense.at(r, c) == 0.0F) continue;
      sparse.indices.push_back(static_cast<std::uint32_t>(c));
      sparse.values.push_back(dense.at(r, c));
    }
    sparse.end_row();
  }
  return sparse;
}

// A row of zeros, counts, positive numbers, numbers of both signs; two of three are zero.
DenseRows sample_rows(std::size_t columns) {
  DenseRows rows = normal_weights(4, columns, 3.0F, 7);
  for (std::size_t c = 0; c < columns; ++c) {
    rows.at(0, c) = 0.0F;
    rows.at(1, c) = std::fabs(std::nearbyint(rows.at(1, c)));
    rows.at(2, c) = std::fabs(rows.at(2, c));
    for (std::size_t r = 0; r < 4; ++r) rows.at(r, c) *= (r + c) % 3 == 0 ? 1.0F : 0.0F;
  }
  return rows;
}

std::vector<std::uint32_t> bits_of(const Matrix<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values.values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

QuantizedMlp sample_mlp(Scheme scheme, InputKind inputs, const MlpShape& shape) {
  return quantize(initialised_mlp(shape, 3), scheme, inputs);
}

// One layer, one row, one output at a time, straight from the definition in the header.
float int8_output(const QuantizedLinear& layer, std::span<const float> x, std::size_t o) {
  const auto& weight = std::get<Int8Matrix>(layer.weight);
  const RowQuantization row = choose_row_quantization(x);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += std::int64_t{quantize_value(x[i], row)} * weight.codes.at(i, o);
  const float scale = row.scale * weight.scales[o];
  const float product = static_cast<float>(sum) * scale;
  return product + layer.bias[o];
}

float int8_torch_output(const QuantizedLinear& layer, std::span<const float> x, std::size_t o,
                        const CallQuantization& call) {
  const auto& weight = std::get<Int8TorchMatrix>(layer.weight);
  std::int64_t sum = 0;
  std::int64_t codes = 0;  // fbgemm keeps these sums with the weights and takes them off at the end
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += std::int64_t{quantize_value(x[i], call)} * weight.codes.at(i, o);
    codes += weight.codes.at(i, o);
  }
  const float scale = call.scale * weight.scale;
  const float product = static_cast<float>(sum - call.zero_point * codes) * scale;
  return product + layer.bias[o];
}

float int4_output(const QuantizedLinear& layer, std::span<const float> x, std::size_t o) {
  const auto& weight = std::get<Int4Matrix>(layer.weight);
  const auto codes = codes_of(weight);
  const RowQuantization row = choose_row_quantization(x);
  const bool along_inputs = weight.axis == GroupAxis::kInputs;
  const std::size_t step = along_inputs ? kInt4Group : 1;
  float total = 0.0F;
  for (std::size_t first = 0; first < x.size(); first += step) {
    std::int32_t sum = 0;
    for (std::size_t i = first; i < std::min(first + step, x.size()); ++i)
      sum += quantize_value(x[i], row) * codes.at(i, o);
    const float scale = float_from_f16(along_inputs ? weight.scales.at(first / kInt4Group, o)
                                                    : weight.scales.at(first, o / kInt4Group));
    const float product = static_cast<float>(sum) * scale;
    total += product;
  }
  const float scaled = total * row.scale;
  return scaled + layer.bias[o];
}

template <typename Output>
Matrix<float> by_definition(const QuantizedMlp& mlp, Matrix<float> x, Output output) {
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
    if (l > 0) relu(x);
    Matrix<float> y(x.rows, mlp.layers[l].bias.size());
    const CallQuantization call = choose_call_quantization(view_of(x));
    for (std::size_t r = 0; r < y.rows; ++r) {
      for (std::size_t o = 0; o < y.columns; ++o)
        y.at(r, o) = output(mlp.layers[l], x.row(r), o, call);
    }
    x = std::move(y);
  }
  return x;
}

const MlpShape kShapes[] = {
    {1, {}, 1}, {3, {2}, 2}, {31, {33}, 3}, {65, {64, 32}, 5}, {100, {63}, 2}};

TEST(QuantizedReference, Int8FollowsItsDefinition) {
  for (const MlpShape& shape : kShapes) {
    const auto mlp = sample_mlp(Scheme::kInt8, InputKind::kDense, shape);
    const auto rows = sample_rows(shape.inputs);
    const auto expected = by_definition(
        mlp, rows,
        [](const auto& layer, auto x, auto o, const auto&) { return int8_output(layer, x, o); });
    EXPECT_EQ(bits_of(reference_logits(mlp, view_of(rows))), bits_of(expected));
  }
}

TEST(QuantizedReference, Int8TorchFollowsItsDefinition) {
  for (const MlpShape& shape : kShapes) {
    const auto mlp = sample_mlp(Scheme::kInt8Torch, InputKind::kDense, shape);
    const auto rows = sample_rows(shape.inputs);
    const auto expected = by_definition(mlp, rows, int8_torch_output);
    EXPECT_EQ(bits_of(reference_logits(mlp, view_of(rows))), bits_of(expected));
  }
}

TEST(QuantizedReference, Int4FollowsItsDefinitionAlongBothAxes) {
  for (const InputKind inputs : {InputKind::kSparse, InputKind::kDense}) {
    for (const MlpShape& shape : kShapes) {
      const auto mlp = sample_mlp(Scheme::kInt4, inputs, shape);
      const auto rows = sample_rows(shape.inputs);
      const auto expected = by_definition(
          mlp, rows,
          [](const auto& layer, auto x, auto o, const auto&) { return int4_output(layer, x, o); });
      EXPECT_EQ(bits_of(reference_logits(mlp, view_of(rows))), bits_of(expected));
    }
  }
}

TEST(QuantizedReference, FloatSchemesAreTheFloatNetworkOfTheirCodes) {
  const MlpShape shape{65, {33, 5}, 3};
  const auto rows = sample_rows(65);
  for (const Scheme scheme : {Scheme::kF32, Scheme::kF16, Scheme::kBf16}) {
    const auto mlp = sample_mlp(scheme, InputKind::kDense, shape);
    EXPECT_EQ(bits_of(reference_logits(mlp, view_of(rows))),
              bits_of(reference_logits(dequantize(mlp), view_of(rows))));
  }
}

TEST(QuantizedReference, SparseAndDenseFormsOfTheSameRowsGiveTheSameBits) {
  for (const Scheme scheme : kSchemes) {
    for (const InputKind inputs : {InputKind::kSparse, InputKind::kDense}) {
      for (const MlpShape& shape : kShapes) {
        const auto mlp = sample_mlp(scheme, inputs, shape);
        const auto dense = sample_rows(shape.inputs);
        const auto sparse = without_zeros(dense);
        EXPECT_EQ(bits_of(reference_logits(mlp, sparse.view())),
                  bits_of(reference_logits(mlp, view_of(dense))))
            << name_of(scheme);
      }
    }
  }
}

// Everything but int8-torch: what a row gives does not depend on the rows beside it.
TEST(QuantizedReference, RowsStandAloneExceptInInt8Torch) {
  const MlpShape shape{65, {33}, 3};
  const auto rows = sample_rows(65);
  for (const Scheme scheme : kSchemes) {
    const auto mlp = sample_mlp(scheme, InputKind::kDense, shape);
    const auto together = reference_logits(mlp, view_of(rows));
    const auto alone = reference_logits(mlp, view_of(rows).slice(1, 1));
    const bool same = std::ranges::equal(alone.row(0), together.row(1));
    EXPECT_EQ(same, scheme != Scheme::kInt8Torch) << name_of(scheme);
  }
}

TEST(QuantizedReference, StaysCloseToTheFloatNetwork) {
  const MlpShape shape{128, {64, 32}, 2};
  const Mlp mlp = initialised_mlp(shape, 3);
  const auto rows = sample_rows(128);
  const auto exact = reference_logits(mlp, view_of(rows));
  for (const Scheme scheme : kSchemes) {
    const auto logits = reference_logits(quantize(mlp, scheme, InputKind::kDense), view_of(rows));
    for (std::size_t i = 0; i < exact.values.size(); ++i)
      EXPECT_NEAR(logits.values[i], exact.values[i], 0.05F) << name_of(scheme);
  }
}

TEST(QuantizedReference, NoRowsGiveNoLogits) {
  for (const Scheme scheme : kSchemes) {
    const auto logits = reference_logits(sample_mlp(scheme, InputKind::kSparse, {3, {2}, 2}),
                                         DenseRowsView{0, 3, nullptr});
    EXPECT_EQ(logits.rows, 0U);
    EXPECT_EQ(logits.columns, 2U);
  }
}

TEST(QuantizedReference, RowsOfAnotherWidthAreAnError) {
  const auto mlp = sample_mlp(Scheme::kInt8, InputKind::kDense, {3, {}, 2});
  const DenseRows rows(1, 4);
  EXPECT_THROW(reference_logits(mlp, view_of(rows)), Error);
}

}  // namespace
}  // namespace nibble
