#include "nibble/quant/second_order.h"

#include <cmath>

#include <gtest/gtest.h>

#include "nibble/quant/low_rank.h"
#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

double output_error(const DenseRows& x, const Matrix<float>& weight, const GroupedMatrix& stored) {
  const Matrix<float> a = product(x, weight);
  const Matrix<float> b = product(x, decode(stored));
  double sum = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    sum += std::pow(1.0 * a.values[i] - b.values[i], 2);
  return sum;
}

// Inputs that move together: 48 columns from 6 hidden sources and a little of their own.
DenseRows correlated_rows() {
  DenseRows rows = product(normal_weights(200, 6, 1.0F, 11), normal_weights(6, 48, 1.0F, 12));
  const auto own = normal_weights(200, 48, 0.3F, 13);
  for (std::size_t i = 0; i < rows.values.size(); ++i) rows.values[i] += own.values[i];
  return rows;
}

TEST(SecondOrder, LeavesLessErrorInTheOutputsThanNearest) {
  const DenseRows rows = correlated_rows();
  const auto weight = normal_weights(48, 40, 0.1F, 14);
  const auto hessian = hessian_of(view_of(rows));
  for (const CodeKind kind : {CodeKind::kBinary, CodeKind::kTernary, CodeKind::kInt2,
                              CodeKind::kInt3, CodeKind::kInt4, CodeKind::kNf4}) {
    for (const BlockShape block : {BlockShape{32, 1}, BlockShape{1, 32}, BlockShape{0, 1}}) {
      const GroupedForm form{kind, block, false};
      const double nearest = output_error(rows, weight, encode_grouped(weight, form));
      const GroupedMatrix stored = encode_second_order(weight, form, hessian);
      EXPECT_LT(output_error(rows, weight, stored), 0.7 * nearest) << name_of(kind);
      EXPECT_NO_THROW(require_sound(stored, 0));
    }
  }
}

// Inputs that never occur together leave nothing to take back.
TEST(SecondOrder, IsNearestWhereInputsDoNotMeet) {
  DenseRows rows(30, 30);
  for (std::size_t i = 0; i < 30; ++i) rows.at(i, i) = 1.0F + static_cast<float>(i);
  const auto weight = normal_weights(30, 33, 0.1F, 14);
  for (const bool asymmetric : {false, true}) {
    const GroupedForm form{CodeKind::kInt3, {1, 32}, asymmetric};
    EXPECT_EQ(encode_second_order(weight, form, hessian_of(view_of(rows))),
              encode_grouped(weight, form));
  }
}

TEST(Importance, IsTheMeanSquareAndAHundredthOfTheMeanOfAll) {
  DenseRows rows(2, 3);
  rows.at(0, 0) = 1.0F;
  rows.at(1, 0) = 3.0F;
  rows.at(1, 2) = -2.0F;
  // Mean squares 5, 0, 2; their mean 7/3.
  const auto importance = importance_of(view_of(rows));
  ASSERT_EQ(importance.size(), 3U);
  EXPECT_FLOAT_EQ(importance[0], 5.0F + 0.07F / 3.0F);
  EXPECT_FLOAT_EQ(importance[1], 0.07F / 3.0F);
  EXPECT_FLOAT_EQ(importance[2], 2.0F + 0.07F / 3.0F);
  EXPECT_GT(importance_of(view_of(DenseRows(2, 1)))[0], 0.0F);
}

TEST(SecondOrder, SparseRowsGiveTheSameHessianInBlocks) {
  const std::size_t columns = kHessianBlock + 40;
  SparseRows sparse;
  sparse.columns = columns;
  DenseRows dense(20, columns);
  for (std::uint32_t r = 0; r < 20; ++r) {
    for (std::uint32_t c = r % 7; c < columns; c += 3 + r) {
      sparse.indices.push_back(c);
      sparse.values.push_back(1.0F + static_cast<float>(c % 2));
      dense.at(r, c) = sparse.values.back();
    }
    sparse.end_row();
  }
  const auto a = hessian_of(sparse.view());
  const auto b = hessian_of(view_of(dense));
  ASSERT_EQ(a.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(a[i].inputs, b[i].inputs);
    EXPECT_EQ(a[i].products, b[i].products);
    for (std::size_t p = 0; p < a[i].inputs.size(); p += 17) {
      double expected = 0.0;
      for (std::size_t r = 0; r < 20; ++r)
        expected += 1.0 * dense.at(r, a[i].inputs[0]) * dense.at(r, a[i].inputs[p]);
      EXPECT_EQ(a[i].products.at(0, p), expected);
    }
  }
}

}  // namespace
}  // namespace nibble
