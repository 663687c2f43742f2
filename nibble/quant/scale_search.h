// The scale with the smallest squared error for the weights of one block.
//
// For given levels q the best scale is sum(w q) / sum(q q), and leaves the squared error
// sum(w w) - sum(w q)^2 / sum(q q). So each candidate scale only proposes levels; the candidate
// whose levels leave the smallest error gives its refitted scale (as in int4.cc).
//
// Candidates put the largest weight 0.66 (fp8: 0.5), ... times the code's reach from zero: finely,
// as the code asks for (a quarter of a step for whole numbers), up to 1.2 times, where the best
// scale of a small block lies and the error jumps about; 3 % apart in a large block, where it is
// smooth. Then 12 % apart up to 24 times, where the best scale of a large block with tails lies,
// until the error is twice the best. Then neighbours of the winner, 0.5 to 8 % to both sides, and
// two refits. Sums run in 16 lanes, each in order: the same bits from every compiler.
//
// With an importance h for each weight the same holds of sum(h (w - scale q)^2): h stands in all
// sums, and a weight's level stays its nearest.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace nibble {

struct ScaleFit {
  float scale = 0.0F;
  double explained = 0.0;  // sum(w q)^2 / sum(q q)
};

namespace scale_search {

inline constexpr std::size_t kLanes = 16;
using Lanes = std::array<float, kLanes>;

inline double sum_of(const Lanes& lanes) {
  double sum = 0.0;
  for (const float lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

// The weights of a block, and how much each one's squared error counts; empty: all alike.
struct BlockWeights {
  std::span<const float> w;
  std::span<const float> importance;
};

inline double square_sum(const BlockWeights& block) {
  double sum = 0.0;
  for (std::size_t i = 0; i < block.w.size(); ++i) {
    const double h = block.importance.empty() ? 1.0 : static_cast<double>(block.importance[i]);
    sum += h * static_cast<double>(block.w[i]) * static_cast<double>(block.w[i]);
  }
  return sum;
}

inline float largest_of(std::span<const float> w) {
  float largest = 0.0F;
  for (const float value : w) largest = std::max(largest, std::fabs(value));
  return largest;
}

// Float32 lanes lose digits over millions of weights: their sums go over to double every 4096.
inline constexpr std::size_t kStretch = 4096;

// sum(w q) and sum(q q); `weighed` says whether importance counts.
struct LevelSums {
  double wq = 0.0;
  double qq = 0.0;
};
template <bool weighed, typename Code>
LevelSums level_sums(const float* w, const float* h, std::size_t count, const Code& code,
                     float inverse_scale) {
  Lanes wq{};
  Lanes qq{};
  const auto add = [&](std::size_t i, std::size_t lane) {
    const float q = code.nearest(w[i] * inverse_scale);
    const float hq = weighed ? h[i] * q : q;
    wq[lane] += w[i] * hq;
    qq[lane] += q * hq;
  };
  const std::size_t whole = count / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) add(i + lane, lane);
  }
  for (std::size_t i = whole; i < count; ++i) add(i, i - whole);
  return {sum_of(wq), sum_of(qq)};
}

template <typename Code>
ScaleFit fit(const BlockWeights& block, const Code& code, float inverse_scale) {
  LevelSums all;
  for (std::size_t first = 0; first < block.w.size(); first += kStretch) {
    const std::size_t count = std::min(kStretch, block.w.size() - first);
    const float* w = block.w.data() + first;
    const LevelSums sums =
        block.importance.empty()
            ? level_sums<false>(w, nullptr, count, code, inverse_scale)
            : level_sums<true>(w, block.importance.data() + first, count, code, inverse_scale);
    all.wq += sums.wq;
    all.qq += sums.qq;
  }
  if (all.qq <= 0.0) return {};
  return {static_cast<float>(all.wq / all.qq), all.wq * all.wq / all.qq};
}

template <typename Code>
class Search {
 public:
  Search(const BlockWeights& block, const Code& code)
      : block_(block), code_(code), squares_(square_sum(block)), largest_(largest_of(block.w)) {}

  // The largest weight `steps` scales from zero; both signs where the code's sides differ.
  void try_steps(float steps) {
    keep_better(fit(block_, code_, steps / largest_));
    if (!code_.is_even_handed()) keep_better(fit(block_, code_, -steps / largest_));
  }
  void try_scale(float scale) {
    if (scale != 0.0F) keep_better(fit(block_, code_, 1.0F / scale));
  }
  const ScaleFit& best() const { return best_; }
  double best_error() const { return squares_ - best_.explained; }
  double last_error() const { return squares_ - last_; }

 private:
  void keep_better(const ScaleFit& tried) {
    last_ = tried.explained;
    if (tried.explained > best_.explained) best_ = tried;
  }
  BlockWeights block_;
  Code code_;
  double squares_;
  float largest_;
  ScaleFit best_;
  double last_ = 0.0;
};

}  // namespace scale_search

// From so many weights on the error is a smooth function of the scale.
inline constexpr std::size_t kLargeBlock = 4096;

// Scale 0 for weights that are all 0, or too small to be told from it.
template <typename Code>
ScaleFit best_scale(const scale_search::BlockWeights& block, const Code& code) {
  using scale_search::Search;
  const float largest = scale_search::largest_of(block.w);
  if (std::isinf(code.reach() * 32.0F / largest)) return {};
  if (!Code::kScaleMatters) return scale_search::fit(block, code, 1.0F);
  Search<Code> search(block, code);
  const float reach = code.reach();
  const float ratio = block.w.size() > kLargeBlock ? std::max(1.03F, code.fine()) : code.fine();
  float steps = code.first() * reach;
  for (; steps <= 1.2F * reach; steps *= ratio) search.try_steps(steps);
  for (; steps <= 24.0F * reach; steps *= 1.12F) {
    search.try_steps(steps);
    if (search.last_error() > 2.0 * search.best_error()) break;
  }
  const float found = search.best().scale;
  for (const float off : {0.005F, 0.01F, 0.02F, 0.04F, 0.08F}) {
    search.try_scale(found * (1.0F + off));
    search.try_scale(found * (1.0F - off));
  }
  for (int refit = 0; refit < 2; ++refit) search.try_scale(search.best().scale);
  return search.best();
}

}  // namespace nibble
