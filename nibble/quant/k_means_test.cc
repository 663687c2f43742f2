// k-means against a plain one with many random starts.
#include "nibble/quant/k_means.h"

#include <algorithm>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

double distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d)
    sum += (static_cast<double>(a[d]) - b[d]) * (static_cast<double>(a[d]) - b[d]);
  return sum;
}

std::size_t nearest_to(std::span<const float> point, const Matrix<float>& centroids) {
  std::size_t best = 0;
  for (std::size_t c = 1; c < centroids.rows; ++c) {
    if (distance(point, centroids.row(c)) < distance(point, centroids.row(best))) best = c;
  }
  return best;
}

double error_of(const Matrix<float>& points, const Matrix<float>& centroids) {
  double sum = 0.0;
  for (std::size_t i = 0; i < points.rows; ++i)
    sum += distance(points.row(i), centroids.row(nearest_to(points.row(i), centroids)));
  return sum;
}

// Lloyd's steps from points drawn with equal chances.
double plain_error(const Matrix<float>& points, std::size_t k, std::mt19937& random) {
  Matrix<float> centroids(k, points.columns);
  for (std::size_t c = 0; c < k; ++c)
    std::ranges::copy(points.row(random() % points.rows), centroids.row(c).begin());
  for (int step = 0; step < 25; ++step) {
    std::vector<double> sums(k * points.columns);
    std::vector<double> sizes(k);
    for (std::size_t i = 0; i < points.rows; ++i) {
      const std::size_t c = nearest_to(points.row(i), centroids);
      sizes[c] += 1.0;
      for (std::size_t d = 0; d < points.columns; ++d)
        sums[c * points.columns + d] += static_cast<double>(points.at(i, d));
    }
    for (std::size_t c = 0; c < k; ++c) {
      for (std::size_t d = 0; d < points.columns && sizes[c] > 0.0; ++d)
        centroids.at(c, d) = static_cast<float>(sums[c * points.columns + d] / sizes[c]);
    }
  }
  return error_of(points, centroids);
}

TEST(NearestCentroid, FindsWhatAPlainLoopFinds) {
  for (const std::size_t k : {1U, 3U, 15U, 16U, 17U, 255U, 256U}) {
    for (const std::size_t width : {1U, 2U, 5U, 8U}) {
      const auto centroids = normal_weights(k, width, 1.0F);
      const auto points = normal_weights(40, width, 1.0F, 2);
      const NearestCentroid nearest(centroids);
      for (std::size_t i = 0; i < points.rows; ++i) {
        const auto found = nearest.find(points.row(i));
        EXPECT_EQ(found.index, nearest_to(points.row(i), centroids)) << k << " of " << width;
        EXPECT_NEAR(found.distance, distance(points.row(i), centroids.row(found.index)), 1e-4);
      }
    }
  }
}

TEST(NearestCentroid, OfEqualsTakesTheFirst) {
  const Matrix<float> centroids(40, 3);

  EXPECT_EQ(NearestCentroid(centroids).find(std::vector<float>(3, 0.5F)).index, 0U);
}

TEST(KMeans, IsWithinAFewPercentOfTheBestOfManyPlainOnes) {
  for (const auto& points : {normal_weights(600, 2, 0.1F), uniform_weights(600, 4, 0.2F)}) {
    std::mt19937 random(1);
    double least = std::numeric_limits<double>::infinity();
    for (int start = 0; start < 10; ++start)
      least = std::min(least, plain_error(points, 32, random));

    EXPECT_LE(error_of(points, k_means(points, 32).centroids), 1.03 * least);
  }
}

TEST(KMeans, ErrorNeverRises) {
  for (const std::size_t width : {1U, 3U, 8U}) {
    for (const std::size_t k : {2U, 33U, 256U}) {
      const auto errors = k_means(normal_weights(2000, width, 0.1F), k).errors;
      ASSERT_GT(errors.size(), 1U);
      EXPECT_TRUE(std::ranges::is_sorted(errors, std::greater<>())) << width << ", " << k;
    }
  }
}

TEST(KMeans, FewDifferentPointsAreTheirOwnCentroids) {
  Matrix<float> points(30, 2);
  for (std::size_t i = 0; i < points.rows; ++i) points.at(i, 0) = static_cast<float>(i % 3) + 1.0F;

  const auto centroids = k_means(points, 8).centroids;

  EXPECT_EQ(error_of(points, centroids), 0.0);
  for (std::size_t c = 3; c < 8; ++c) EXPECT_EQ(centroids.at(c, 0), 0.0F);
}

TEST(KMeans, OnePointAndOneCentroid) {
  EXPECT_EQ(k_means(matrix_of<float>(1, 2, 3, 4), 1).centroids, (matrix_of<float>(1, 2, 3, 4)));
}

TEST(KMeans, IsTheSameAgain) {
  const auto points = normal_weights(kMostKMeansPoints + 5, 1, 0.1F);

  EXPECT_EQ(k_means(points, 16).centroids, k_means(points, 16).centroids);
}

}  // namespace
}  // namespace nibble
