#include "nibble/core/shared_matrix.h"

#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(SharedMatrix, KeepsAMatrixWithoutMovingItsValues) {
  Matrix<std::uint8_t> matrix(2, 3);
  matrix.values = {1, 2, 3, 4, 5, 6};
  const std::uint8_t* const place = matrix.values.data();
  const SharedMatrix<std::uint8_t> shared = std::move(matrix);
  EXPECT_EQ(shared.values.data(), place);
  EXPECT_EQ(shared.rows, 2U);
  EXPECT_EQ(shared.at(1, 0), 4);
  EXPECT_EQ(std::vector<std::uint8_t>(shared.row(1).begin(), shared.row(1).end()),
            (std::vector<std::uint8_t>{4, 5, 6}));
}

TEST(SharedMatrix, CopiesShareValuesThatGoWithTheLast) {
  auto bytes = std::make_shared<const std::vector<std::int8_t>>(6, std::int8_t{7});
  const std::weak_ptr<const void> watched = bytes;
  auto first = std::make_unique<SharedMatrix<std::int8_t>>(3, 2, std::span(*bytes), bytes);
  bytes.reset();
  const auto copy = std::make_unique<SharedMatrix<std::int8_t>>(*first);
  first.reset();
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(copy->at(2, 1), 7);
  *copy = {};
  EXPECT_TRUE(watched.expired());
}

TEST(SharedMatrix, AreEqualByShapeAndValues) {
  using Shared = SharedMatrix<int>;
  Matrix<int> two_by_three(2, 3);
  two_by_three.values = {1, 2, 3, 4, 5, 6};
  Matrix<int> three_by_two(3, 2);
  three_by_two.values = two_by_three.values;
  EXPECT_EQ(Shared(two_by_three), Shared(two_by_three));
  EXPECT_NE(Shared(two_by_three), Shared(three_by_two));
  Matrix<int> other = two_by_three;
  other.values[5] = 7;
  EXPECT_NE(Shared(two_by_three), Shared(other));
  EXPECT_EQ(Shared(), Shared(Matrix<int>(0, 0)));
}

}  // namespace
}  // namespace nibble
