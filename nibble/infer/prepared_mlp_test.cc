// PreparedMlp against the plain loops of network/ and quant/: the same bits for the integer
// schemes, a stated tolerance for the others, on every CPU level.
#include "nibble/infer/prepared_mlp.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/core/random.h"
#include "nibble/kernels/cpu_level.h"
#include "nibble/network/reference_forward.h"
#include "nibble/quant/half.h"
#include "nibble/quant/reference_forward.h"

namespace nibble {
namespace {

// How far a logit may lie from the reference, as a part of the largest logit of its row. Integer
// schemes: not at all. bf16 at avx3_bf16 rounds its inputs, too, each by up to 2^-9 of itself, and
// the largest logit can be small against its terms; chain_of_products below has its exact bits.
double tolerance(Scheme scheme) {
  switch (scheme) {
    case Scheme::kF32:
    case Scheme::kF16:
      return 1e-5;
    case Scheme::kBf16:
      return bf16_dots_in_use() ? 0x1p-5 : 1e-5;
    case Scheme::kInt8:
    case Scheme::kInt8Torch:
    case Scheme::kInt4:
    case Scheme::kMixed:
      break;
  }
  return 0.0;
}

float uniform(std::uint32_t seed, std::size_t index) {
  return unit_float(philox({seed, RandomStream::kSample}, index)[0]) * 2.0F - 1.0F;
}

SparseRows sparse_rows(std::size_t rows, std::size_t columns, double density, bool counts) {
  SparseRows result;
  result.columns = columns;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      const float draw = uniform(7, r * columns + c);
      if (std::fabs(draw) >= density) continue;
      result.indices.push_back(static_cast<std::uint32_t>(c));
      const float small = std::ceil(std::fabs(draw) / static_cast<float>(density) * 3.0F);
      result.values.push_back(counts ? std::max(1.0F, small) : draw * 10.0F);
    }
    result.end_row();
  }
  return result;
}

DenseRows dense_copy(const SparseRows& sparse) {
  DenseRows dense(sparse.rows(), sparse.columns);
  for (std::size_t r = 0; r < sparse.rows(); ++r) {
    const auto columns = sparse.view().row_indices(r);
    for (std::size_t i = 0; i < columns.size(); ++i)
      dense.at(r, columns[i]) = sparse.view().row_values(r)[i];
  }
  return dense;
}

std::vector<float> logits_of(const PreparedMlp& network, const RowsView& rows) {
  PreparedMlp::Scratch scratch;
  std::vector<float> logits(row_count(rows) * network.outputs());
  network.logits(rows, logits, scratch);
  return logits;
}

void expect_close(std::span<const float> got, const Matrix<float>& expected, double part) {
  ASSERT_EQ(got.size(), expected.values.size());
  for (std::size_t r = 0; r < expected.rows; ++r) {
    double largest = 0.0;
    for (const float logit : expected.row(r)) largest = std::max(largest, std::fabs(1.0 * logit));
    for (std::size_t o = 0; o < expected.columns; ++o)
      ASSERT_NEAR(got[r * expected.columns + o], expected.at(r, o), part * (largest + 1e-30))
          << "row " << r << " output " << o;
  }
}

void expect_same(std::span<const float> got, std::span<const float> expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], expected[i]) << "at " << i;
}

const std::vector<MlpShape>& shapes() {
  static const std::vector<MlpShape> shapes_tested = {{1, {}, 1},          {3, {1}, 2},
                                                      {31, {33}, 10},      {65, {64, 63}, 3},
                                                      {100, {512, 96}, 2}, {300, {130, 65, 17}, 7},
                                                      {784, {128}, 10}};
  return shapes_tested;
}

class EveryLevelAndScheme
    : public testing::TestWithParam<std::tuple<std::string, Scheme, InputKind>> {
 protected:
  void SetUp() override { force_cpu_level(std::get<0>(GetParam())); }
  void TearDown() override { force_cpu_level("auto"); }
  static Scheme scheme() { return std::get<1>(GetParam()); }
  static QuantizedMlp quantized(const MlpShape& shape) {
    return quantize(initialised_mlp(shape, 5), scheme(), std::get<2>(GetParam()));
  }
};

TEST_P(EveryLevelAndScheme, AgreesWithTheReference) {
  for (const MlpShape& shape : shapes()) {
    const QuantizedMlp mlp = quantized(shape);
    const PreparedMlp network(mlp);
    EXPECT_EQ(network.inputs(), shape.inputs);
    EXPECT_EQ(network.outputs(), shape.outputs);
    for (const bool counts : {true, false}) {
      for (const double density : {0.0, 0.05, 0.9}) {
        SCOPED_TRACE(testing::Message()
                     << shape.inputs << " inputs, counts " << counts << ", density " << density);
        const SparseRows rows = sparse_rows(19, shape.inputs, density, counts);
        const Matrix<float> expected = reference_logits(mlp, rows.view());
        const std::vector<float> got = logits_of(network, rows.view());
        expect_close(got, expected, tolerance(scheme()));
        // A dense row: the same bits as the sparse row with its non-zeros.
        const DenseRows dense = dense_copy(rows);
        expect_same(logits_of(network, view_of(dense)), got);
      }
    }
  }
}

TEST_P(EveryLevelAndScheme, BatchSizeChangesNothing) {
  if (scheme() == Scheme::kInt8Torch) GTEST_SKIP() << "one scale for the whole call, by definition";
  const MlpShape shape{300, {130, 64}, 5};
  const PreparedMlp network(quantized(shape));
  const SparseRows sparse = sparse_rows(40, shape.inputs, 0.4, false);
  const DenseRows dense = dense_copy(sparse);
  for (const RowsView& rows : {RowsView(sparse.view()), RowsView(view_of(dense))}) {
    const std::vector<float> all = logits_of(network, rows);
    for (const std::size_t batch : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 11U, 13U}) {
      for (std::size_t first = 0; first + batch <= row_count(rows); first += batch) {
        expect_same(logits_of(network, slice(rows, first, batch)),
                    std::span(all).subspan(first * shape.outputs, batch * shape.outputs));
      }
    }
  }
}

// Weights too large for small blocks of rows: more than 256 KB even in four bits.
TEST_P(EveryLevelAndScheme, BlocksOfManyRowsChangeNothing) {
  if (scheme() == Scheme::kInt8Torch) GTEST_SKIP() << "one scale for the whole call, by definition";
  const MlpShape shape{40, {1024, 640}, 3};
  const PreparedMlp network(quantized(shape));
  const SparseRows sparse = sparse_rows(100, shape.inputs, 0.3, false);
  const DenseRows dense = dense_copy(sparse);
  const std::vector<float> all = logits_of(network, sparse.view());
  expect_same(logits_of(network, view_of(dense)), all);
  constexpr std::size_t kBatch = 25;
  for (std::size_t first = 0; first < dense.rows; first += kBatch) {
    expect_same(logits_of(network, slice(RowsView(sparse.view()), first, kBatch)),
                std::span(all).subspan(first * shape.outputs, kBatch * shape.outputs));
  }
}

// Weights and inputs at the limit of their codes: where 16-bit sums would saturate.
TEST_P(EveryLevelAndScheme, ExtremeValuesDoNotSaturate) {
  const MlpShape shape{258, {96, 33}, 4};
  Mlp mlp(shape);
  for (Linear& layer : mlp.layers) {
    for (std::size_t i = 0; i < layer.weight.values.size(); ++i)
      layer.weight.values[i] = (i % 3 == 0) ? -1.0F : 1.0F;
  }
  const QuantizedMlp encoded = quantize(mlp, scheme(), std::get<2>(GetParam()));
  const PreparedMlp network(encoded);
  for (const float value : {255.0F, 127.0F, -127.0F, 1.0F, 1e30F, 1e-39F, 0.0F}) {
    DenseRows rows(7, shape.inputs);
    for (std::size_t i = 0; i < rows.values.size(); ++i)
      rows.values[i] = i % 257 == 3 ? 0.5F * value : value;
    const Matrix<float> expected = reference_logits(encoded, view_of(rows));
    expect_close(logits_of(network, view_of(rows)), expected, tolerance(scheme()));
  }
}

TEST_P(EveryLevelAndScheme, ManyThreadsShareOneNetwork) {
  const MlpShape shape{200, {64, 32}, 3};
  const PreparedMlp network(quantized(shape));
  const SparseRows sparse = sparse_rows(30, shape.inputs, 0.3, true);
  const DenseRows dense = dense_copy(sparse);
  const std::vector<float> expected = logits_of(network, sparse.view());
  std::vector<std::thread> threads;
  std::vector<int> same(8);
  for (std::size_t t = 0; t < same.size(); ++t) {
    threads.emplace_back([&, t] {
      const RowsView rows = t % 2 == 0 ? RowsView(sparse.view()) : RowsView(view_of(dense));
      same[t] = logits_of(network, rows) == expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int result : same) EXPECT_EQ(result, 1);
}

// Recipes: every encoding in a first and in a later layer, factors, layers that differ.
TEST(PreparedMlp, MixedNetworksAgreeWithTheReference) {
  const MlpShape shape{70, {65, 33}, 3};
  const Mlp mlp = initialised_mlp(shape, 5);
  const SparseRows rows = sparse_rows(19, shape.inputs, 0.2, true);
  const DenseRows dense = dense_copy(rows);
  for (const char* recipe : {"0=int4:row,1=int8,2=f16",
                             "0=rank1:int6:tensor+f16,*=int4",
                             "0=rank3:int8+f32,*=f32",
                             "1=rank2:nf4+int8,*=bf16",
                             "1bit",
                             "ternary:g64",
                             "int2:channel",
                             "int2:tensor:asym",
                             "int3:row",
                             "int3:g128:asym",
                             "int4:g64",
                             "int4:asym",
                             "int5:g32",
                             "int7:channel",
                             "int8:tensor",
                             "nf4:g64",
                             "fp8",
                             "fp8:row",
                             "pq4",
                             "0=pq8:channel:norm,*=f16"}) {
    for (const InputKind kind : {InputKind::kSparse, InputKind::kDense}) {
      SCOPED_TRACE(recipe);
      const QuantizedMlp quantized = quantize(mlp, Recipe::from_text(recipe), kind);
      const PreparedMlp network(quantized);
      const std::vector<float> got = logits_of(network, rows.view());
      expect_close(got, reference_logits(quantized, rows.view()), tolerance(Scheme::kBf16));
      expect_same(logits_of(network, view_of(dense)), got);
    }
  }
}

// Fixed ranges: within them, cut off at both ends, and below zero where nothing below was expected.
TEST(PreparedMlp, FixedRangesAgreeWithTheReferenceOnEveryLevel) {
  for (const std::string& level : available_cpu_levels()) {
    force_cpu_level(level);
    for (const MlpShape& shape : shapes()) {
      QuantizedMlp mlp = quantize(initialised_mlp(shape, 5), Scheme::kInt8, InputKind::kSparse);
      for (std::size_t l = 0; l < mlp.layers.size(); ++l)
        mlp.layers[l].input = CallQuantization{l == 0 ? 0.031F : 0.0017F, l % 2 == 0 ? 128 : 0};
      if (shape.inputs % 2 == 1) mlp.layers[0].input = CallQuantization{1.0F, 0};
      const PreparedMlp network(mlp);
      for (const bool counts : {true, false}) {
        const SparseRows rows = sparse_rows(19, shape.inputs, 0.4, counts);
        const std::vector<float> got = logits_of(network, rows.view());
        expect_close(got, reference_logits(mlp, rows.view()), 0.0);
        expect_same(logits_of(network, view_of(dense_copy(rows))), got);
        expect_same(logits_of(network, slice(RowsView(rows.view()), 3, 1)),
                    std::span(got).subspan(3 * shape.outputs, shape.outputs));
      }
    }
  }
  force_cpu_level("auto");
}

std::vector<std::tuple<std::string, Scheme, InputKind>> all_cases() {
  std::vector<std::tuple<std::string, Scheme, InputKind>> cases;
  for (const std::string& level : available_cpu_levels()) {
    for (const Scheme scheme : kSchemes) cases.emplace_back(level, scheme, InputKind::kSparse);
    cases.emplace_back(level, Scheme::kInt4, InputKind::kDense);
  }
  return cases;
}

std::string name_of_case(const testing::TestParamInfo<EveryLevelAndScheme::ParamType>& info) {
  std::string name = std::get<0>(info.param) + "_" + std::string(name_of(std::get<1>(info.param)));
  if (std::get<2>(info.param) == InputKind::kDense) name += "_grouped_by_inputs";
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(PreparedMlp, EveryLevelAndScheme, testing::ValuesIn(all_cases()),
                         name_of_case);

TEST(PreparedMlp, FloatNetworkAgreesWithTheReference) {
  for (const std::string& level : available_cpu_levels()) {
    force_cpu_level(level);
    for (const MlpShape& shape : shapes()) {
      const Mlp mlp = initialised_mlp(shape, 3);
      const SparseRows rows = sparse_rows(13, shape.inputs, 0.2, true);
      expect_close(logits_of(PreparedMlp(mlp), rows.view()), reference_logits(mlp, rows.view()),
                   tolerance(Scheme::kF32));
    }
  }
  force_cpu_level("auto");
}

// What the float schemes promise exactly: every output is one chain over ascending inputs that
// starts from the bias, fused where the level has fused multiply-adds, with inputs rounded to bf16
// for bf16 at avx3_bf16.
Matrix<float> chain_of_products(const Mlp& mlp, const DenseRows& rows, bool fused, bool rounded) {
  DenseRows x = rows;
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
    const Linear& layer = mlp.layers[l];
    if (l > 0) relu(x);
    DenseRows y(x.rows, layer.outputs());
    for (std::size_t r = 0; r < x.rows; ++r) {
      for (std::size_t o = 0; o < y.columns; ++o) {
        float sum = layer.bias[o];
        for (std::size_t i = 0; i < x.columns; ++i) {
          const float value = rounded ? float_from_bf16(bf16_from_float(x.at(r, i))) : x.at(r, i);
          const float weight = layer.weight.at(i, o);
          sum = fused ? std::fma(value, weight, sum) : sum + value * weight;
        }
        y.at(r, o) = sum;
      }
    }
    x = y;
  }
  return x;
}

TEST(PreparedMlp, FloatSchemesAreChainsOfProducts) {
  const MlpShape shape{65, {130, 33}, 3};
  const SparseRows sparse = sparse_rows(8, shape.inputs, 0.5, false);
  for (const std::string& level : available_cpu_levels()) {
    force_cpu_level(level);
    const bool fused = level != "sse4" && level != "ssse3";
    for (const Scheme scheme : {Scheme::kF32, Scheme::kF16, Scheme::kBf16}) {
      SCOPED_TRACE(level + " " + std::string(name_of(scheme)));
      const QuantizedMlp encoded = quantize(initialised_mlp(shape, 11), scheme, InputKind::kSparse);
      const bool rounded = scheme == Scheme::kBf16 && bf16_dots_in_use();
      const Matrix<float> expected =
          chain_of_products(dequantize(encoded), dense_copy(sparse), fused, rounded);
      expect_same(logits_of(PreparedMlp(encoded), sparse.view()), expected.values);
      // What check vectors are made of.
      if (fused && !rounded)
        expect_same(reference_logits(encoded, sparse.view()).values, expected.values);
    }
  }
  force_cpu_level("auto");
}

TEST(PreparedMlp, RefusesRowsOfAnotherWidth) {
  const PreparedMlp network(initialised_mlp({10, {4}, 2}, 1));
  const DenseRows rows(2, 11);
  EXPECT_THROW(logits_of(network, view_of(rows)), Error);
}

TEST(PreparedMlp, NoRowsGiveNoLogits) {
  const PreparedMlp network(initialised_mlp({10, {4}, 2}, 1));
  const SparseRows none = sparse_rows(0, 10, 0.5, true);
  EXPECT_TRUE(logits_of(network, none.view()).empty());
}

TEST(RunLayer, LayersOneByOneGiveTheLogitsOfTheWholeNetwork) {
  const SparseRows sparse = sparse_rows(13, 70, 0.2, true);
  const DenseRows dense = dense_copy(sparse);
  for (const Scheme scheme : kSchemes) {
    const PreparedMlp network(
        quantize(initialised_mlp({70, {65, 31}, 3}, 5), scheme, InputKind::kSparse));
    ASSERT_EQ(network.layer_count(), 3U);
    PreparedMlp::Scratch scratch;
    for (const RowsView& rows : {RowsView(sparse.view()), RowsView(view_of(dense))}) {
      Matrix<float> first;
      Matrix<float> second;
      Matrix<float> last;
      network.run_layer(0, rows, scratch, &first);
      network.run_layer(1, view_of(first), scratch, &second);
      network.run_layer(2, view_of(second), scratch, &last);
      EXPECT_EQ(std::vector<float>(last.values.begin(), last.values.end()),
                logits_of(network, rows))
          << name_of(scheme);
    }
    EXPECT_THROW(network.run_layer(1, sparse.view(), scratch), Error);
  }
}

}  // namespace
}  // namespace nibble
