// Centroids of points: Lloyd's k-means from k-means++ seeds, the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nibble/core/aligned.h"

namespace nibble {

// Finds the nearest of some centroids; of equals the first.
class NearestCentroid {
 public:
  explicit NearestCentroid(const Matrix<float>& centroids);

  struct Found {
    std::size_t index = 0;
    float distance = 0.0F;  // squared
  };
  Found find(std::span<const float> point) const;

 private:
  std::size_t width_;
  std::size_t padded_;                // centroids, rounded up to whole lanes
  AlignedVector<float> coordinates_;  // [width][padded]: all centroids' first, then second ...
};

struct KMeans {
  Matrix<float> centroids;     // [k][width]
  std::vector<double> errors;  // sum of squared distances before each step; never rises
};

// `points` is [count][width], count of 1 or more. With fewer different points than k, the
// centroids left over are 0. At most kMostKMeansPoints points, drawn by a fixed seed, take part:
// 256 for each of 256 centroids, as in fastText. Stops after 25 steps, or when one wins less than a
// thousandth.
inline constexpr std::size_t kMostKMeansPoints = 65536;
KMeans k_means(const Matrix<float>& points, std::size_t k);

}  // namespace nibble
