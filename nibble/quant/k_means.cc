#include "nibble/quant/k_means.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include "nibble/core/random.h"

namespace nibble {
namespace {

constexpr std::size_t kLanes = 16;
constexpr int kSteps = 25;
constexpr double kLeastGain = 1e-3;
constexpr std::uint32_t kSeed = 1;

float squared_distance(std::span<const float> a, std::span<const float> b) {
  float sum = 0.0F;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

Matrix<float> sample(const Matrix<float>& points) {
  if (points.rows <= kMostKMeansPoints) return points;
  const auto order = shuffled_order(points.rows, kSeed, 0);
  Matrix<float> chosen(kMostKMeansPoints, points.columns);
  for (std::size_t i = 0; i < chosen.rows; ++i)
    std::ranges::copy(points.row(order[i]), chosen.row(i).begin());
  return chosen;
}

// The point at which the running sum of distances passes a share of the total; nothing if all
// are 0.
std::size_t drawn(const std::vector<float>& distances, double share) {
  double total = 0.0;
  for (const float distance : distances) total += distance;
  double left = share * total;
  std::size_t last = distances.size();
  for (std::size_t i = 0; i < distances.size(); ++i) {
    if (distances[i] == 0.0F) continue;
    last = i;
    left -= distances[i];
    if (left < 0.0) break;
  }
  return last;
}

// k-means++ (Arthur and Vassilvitskii, 2007): each further seed is drawn with a chance proportional
// to its squared distance from those before. The number of seeds, less than k when the points run
// out.
std::size_t sow(const Matrix<float>& points, Matrix<float>& centroids) {
  std::vector<float> distances(points.rows, std::numeric_limits<float>::infinity());
  std::size_t next = philox({kSeed}, 0)[0] % points.rows;
  for (std::size_t c = 0; c < centroids.rows; ++c) {
    if (next == points.rows) return c;
    std::ranges::copy(points.row(next), centroids.row(c).begin());
    for (std::size_t i = 0; i < points.rows; ++i)
      distances[i] = std::min(distances[i], squared_distance(points.row(i), centroids.row(c)));
    next = drawn(distances, static_cast<double>(unit_float(philox({kSeed}, c + 1)[0])));
  }
  return centroids.rows;
}

// Sums of the points of each centroid.
class Clusters {
 public:
  Clusters(std::size_t count, std::size_t width)
      : width_(width), sums_(count * width), sizes_(count) {}

  void add(std::size_t cluster, std::span<const float> point) {
    ++sizes_[cluster];
    for (std::size_t d = 0; d < width_; ++d)
      sums_[cluster * width_ + d] += static_cast<double>(point[d]);
  }
  // A centroid without points stays where it is.
  void move(Matrix<float>& centroids) const {
    for (std::size_t c = 0; c < sizes_.size(); ++c) {
      if (sizes_[c] == 0) continue;
      for (std::size_t d = 0; d < width_; ++d)
        centroids.at(c, d) =
            static_cast<float>(sums_[c * width_ + d] / static_cast<double>(sizes_[c]));
    }
  }

 private:
  std::size_t width_;
  std::vector<double> sums_;
  std::vector<std::size_t> sizes_;
};

}  // namespace

NearestCentroid::NearestCentroid(const Matrix<float>& centroids)
    : width_(centroids.columns),
      padded_((centroids.rows + kLanes - 1) / kLanes * kLanes),
      coordinates_(width_ * padded_, std::numeric_limits<float>::infinity()) {
  for (std::size_t c = 0; c < centroids.rows; ++c) {
    for (std::size_t d = 0; d < width_; ++d) coordinates_[d * padded_ + c] = centroids.at(c, d);
  }
}

// Sixteen centroids at a time, each lane with a best of its own: a loop that compilers turn into
// vectors.
NearestCentroid::Found NearestCentroid::find(std::span<const float> point) const {
  assert(point.size() == width_);
  std::array<float, kLanes> least;
  std::array<std::uint32_t, kLanes> where{};
  least.fill(std::numeric_limits<float>::infinity());
  for (std::size_t first = 0; first < padded_; first += kLanes) {
    std::array<float, kLanes> distance{};
    for (std::size_t d = 0; d < width_; ++d) {
      const float* coordinate = coordinates_.data() + d * padded_ + first;
      for (std::size_t lane = 0; lane < kLanes; ++lane)
        distance[lane] += (coordinate[lane] - point[d]) * (coordinate[lane] - point[d]);
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const bool nearer = distance[lane] < least[lane];
      least[lane] = nearer ? distance[lane] : least[lane];
      where[lane] = nearer ? static_cast<std::uint32_t>(first) : where[lane];
    }
  }
  Found found{where[0], least[0]};
  for (std::size_t lane = 1; lane < kLanes; ++lane) {
    const std::size_t index = where[lane] + lane;
    if (least[lane] < found.distance || (least[lane] == found.distance && index < found.index))
      found = {index, least[lane]};
  }
  return found;
}

KMeans k_means(const Matrix<float>& all_points, std::size_t k) {
  const Matrix<float> points = sample(all_points);
  KMeans result{Matrix<float>(k, points.columns), {}};
  // Seeds that fell on all different points are the points themselves.
  if (sow(points, result.centroids) < k) return result;
  for (int step = 0; step < kSteps; ++step) {
    const NearestCentroid nearest(result.centroids);
    Clusters clusters(k, points.columns);
    double error = 0.0;
    for (std::size_t i = 0; i < points.rows; ++i) {
      const auto found = nearest.find(points.row(i));
      error += static_cast<double>(found.distance);
      clusters.add(found.index, points.row(i));
    }
    const bool slow = !result.errors.empty() && error > (1.0 - kLeastGain) * result.errors.back();
    result.errors.push_back(error);
    clusters.move(result.centroids);
    if (slow) break;
  }
  return result;
}

}  // namespace nibble
