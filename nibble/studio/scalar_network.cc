#include "nibble/studio/scalar_network.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "nibble/infer/prepared_mlp.h"

namespace nibble {
namespace {

constexpr std::size_t kGrid = 2048;

class Pieces {
 public:
  Pieces(const Mlp& rest, std::span<const float> scores) : z_(kGrid + 1, 1), density_(kGrid + 1) {
    const auto [low, high] = std::ranges::minmax(scores);
    const float margin = 0.5F * (high - low) + 1e-6F;
    low_ = low - margin;
    step_ = (high - low + 2.0F * margin) / static_cast<float>(kGrid);
    for (std::size_t i = 0; i <= kGrid; ++i) z_.at(i, 0) = low_ + step_ * static_cast<float>(i);
    weigh(scores);
    const PreparedMlp network(rest);
    PreparedMlp::Scratch scratch;
    f_ = Matrix<float>(kGrid + 1, network.outputs());
    network.logits(view_of(z_), f_.values, scratch);
  }

  std::vector<std::size_t> points(std::size_t count) const {
    std::vector<std::size_t> chosen = {0, kGrid};
    while (chosen.size() < count + 1) {
      chosen.push_back(worst(chosen));
      std::ranges::sort(chosen);
    }
    return chosen;
  }

  // The last point only ends the last piece.
  Mlp network(const std::vector<std::size_t>& points) const {
    const std::size_t pieces = points.size() - 1;
    Mlp mlp({1, {pieces}, f_.columns});
    for (std::size_t k = 0; k < pieces; ++k) {
      mlp.layers[0].weight.at(0, k) = 1.0F;
      mlp.layers[0].bias[k] = -z_.at(points[k], 0);
      for (std::size_t o = 0; o < f_.columns; ++o) {
        const float before = k == 0 ? 0.0F : slope(points[k - 1], points[k], o);
        mlp.layers[1].weight.at(k, o) = slope(points[k], points[k + 1], o) - before;
      }
    }
    std::ranges::copy(f_.row(0), mlp.layers[1].bias.begin());
    return mlp;
  }

 private:
  // A little everywhere, so that the ends are not forgotten.
  void weigh(std::span<const float> scores) {
    constexpr std::size_t kNear = kGrid / 64;
    std::ranges::fill(density_, 0.02);
    for (const float score : scores) {
      const auto place = static_cast<std::size_t>((score - low_) / step_);
      const std::size_t last = std::min(place + kNear, kGrid);
      for (std::size_t i = place - std::min(place, kNear); i <= last; ++i)
        density_[i] += 10.0 / static_cast<double>(scores.size());
    }
  }

  float slope(std::size_t a, std::size_t b, std::size_t output) const {
    return (f_.at(b, output) - f_.at(a, output)) / (z_.at(b, 0) - z_.at(a, 0));
  }

  double error_at(std::size_t a, std::size_t i, std::size_t b) const {
    double largest = 0.0;
    for (std::size_t o = 0; o < f_.columns; ++o) {
      const float straight = f_.at(a, o) + slope(a, b, o) * (z_.at(i, 0) - z_.at(a, 0));
      largest = std::max(largest, 1.0 * std::fabs(straight - f_.at(i, o)));
    }
    return largest * std::sqrt(density_[i]);
  }

  std::size_t worst(const std::vector<std::size_t>& chosen) const {
    std::size_t place = chosen[0] + 1;
    double largest = -1.0;
    for (std::size_t p = 0; p + 1 < chosen.size(); ++p) {
      for (std::size_t i = chosen[p] + 1; i < chosen[p + 1]; ++i) {
        const double error = error_at(chosen[p], i, chosen[p + 1]);
        if (error <= largest) continue;
        largest = error;
        place = i;
      }
    }
    return place;
  }

  DenseRows z_;
  std::vector<double> density_;
  Matrix<float> f_;
  float low_ = 0.0F;
  float step_ = 0.0F;
};

}  // namespace

Mlp scalar_network(const Mlp& rest, std::span<const float> scores, std::size_t pieces) {
  assert(rest.inputs() == 1 && pieces >= 1 && pieces < kGrid && !scores.empty());
  const Pieces all(rest, scores);
  return all.network(all.points(pieces));
}

}  // namespace nibble
