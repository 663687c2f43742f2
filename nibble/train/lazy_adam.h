// Dense Adam for weight rows that are visited now and then: what the skipped steps would have done,
// in closed form.
//
// Steps are counted from 1. A row's moments m, v stand at step g, that of its last gradient. At a
// later step j without a gradient Adam has m b1^(j-g) and v b2^(j-g) and moves the weight by
//   f(j) r^(j-g) m / (sqrt(v) + e(j) b2^(-(j-g)/2)),
//   f(j) = lr sqrt(1-b2^j) / (1-b1^j),  e(j) = eps sqrt(1-b2^j),  r = b1 / sqrt(b2).
// The sum over steps a..u (a >= g; step g itself may be among them) is wanted. Write it as weights
// s(j) = f(j) r^(j-g) and offsets o(j) = e(j) b2^(-(j-g)/2), and expand 1/(sqrt(v)+o) about the
// weighted mean of the offsets, S = sum s, E = (sum s o) / S, V = (sum s o^2) / S - E^2:
//   sum = S m / (sqrt(v)+E) * (1 + V / (sqrt(v)+E)^2 + third order).
// A single step (a = u) is exact. Leaving eps out of it (E = 0) is wrong early in training, when
// sqrt(v) is of eps's size: 4 % off after one epoch of SST-2. The second-order term V is what lets
// one evaluation cover both the step of the gradient and all that follow, which halves the work.
//
// The third order is at most (sqrt(V)/E)^3, reached where sqrt(v) is far below eps. In the first
// steps, where bias correction changes quickly, that is up to 4 %, and training amplifies it: on
// SST-2 without dropout the losses left PyTorch's by 1e-5 at step 70. So a span of steps whose
// third order could matter is cut into several, each with an evaluation of its own: at most 16 for
// the first steps, one from about step 300 on.
//
// The sums come from tables: with A(a) = sum over j >= a of r^(j-a) f(j), filled backwards by
// A(a) = f(a) + r A(a+1),
//   sum of s over a..u = r^(a-g) (A(a) - r^(u-a+1) A(u+1)),
// stable and without overflow (a plain prefix sum would need r^-j). Likewise with q = b1/b2 for
// s o, and p = b1/b2^1.5 for s o^2. All in double. Source: our own derivation; lazy_adam_test.cc
// compares with the steps one by one.
//
// The rate lr is that of the step, lr(j), so a schedule changes nothing but f. AdamW multiplies the
// weight by d(j) = 1 - lr(j) weight_decay before each step. Over steps a..u that makes
//   w D(a,u) - sum of s(j) D(j+1,u) m / (sqrt(v) + o(j)),   D(a,u) = d(a) d(a+1) ... d(u),
// so it is the same sum with weights s(j) D(j+1,u). Since D(j+1,u) = D(a+1,u) / D(a+1,j), the table
// A(a) = sum over j >= a of r^(j-a) f(j) / D(a+1,j), filled by A(a) = f(a) + r/d(a+1) A(a+1), gives
//   r^(a-g) D(a+1,u) (A(a) - r^(u-a+1) / D(a+1,u+1) A(u+1)).
// A weight that never had a gradient still decays: D alone. D comes from sums of log d.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nibble/kernels/adam.h"
#include "nibble/kernels/train_sparse.h"
#include "nibble/train/schedule.h"
#include "nibble/train/settings.h"

namespace nibble {

// Adam's (and AdamW's) numbers for step 1, 2, ...
AdamStep adam_step(const TrainSettings& settings, const Schedule& schedule, std::uint64_t step);

class LazyAdam {
 public:
  // For steps 1..steps. Tables end where bias correction does, so memory is bounded by about 40,000
  // entries at b2 = 0.999; where the learning rate changes to the end, by 4 numbers a step.
  LazyAdam(const TrainSettings& settings, std::uint64_t steps);

  // False for betas whose series does not fall (b1 near b2^1.5 or above, or that divided by the
  // decay's d): then only single steps may be asked for, and every row must be visited at every
  // step.
  bool may_skip_steps() const { return may_skip_; }

  // The movement of steps first..last (gradient <= first <= last) of a row whose moments stand at
  // step `gradient`; 0 if it never had one.
  CatchUp catch_up(std::uint64_t gradient, std::uint64_t first, std::uint64_t last) const;

  // The same, cut so finely that the sum of the parts is within kThirdOrder of the movement;
  // appends to `parts`. Nothing is appended when nothing moves.
  void append_parts(std::uint64_t gradient, std::uint64_t first, std::uint64_t last,
                    std::vector<CatchUp>& parts) const;
  static constexpr double kThirdOrder = 1e-5;

  float keep_m(std::uint64_t skipped) const { return power(keep_m_, skipped); }  // b1^skipped
  float keep_v(std::uint64_t skipped) const { return power(keep_v_, skipped); }

 private:
  // One table of the three series: ratio^k, and the sum from each step on.
  struct Series {
    std::vector<double> powers;
    std::vector<double> sums;
    double power(std::uint64_t k) const { return k < powers.size() ? powers[k] : 0.0; }
    double sum(std::uint64_t step) const {
      return sums[step < sums.size() ? step : sums.size() - 1];
    }
  };
  double between(const Series& series, std::uint64_t gradient, std::uint64_t first,
                 std::uint64_t last) const;
  CatchUp single(std::uint64_t gradient, std::uint64_t step) const;
  CatchUp span(std::uint64_t gradient, std::uint64_t first, std::uint64_t last) const;
  struct Steps {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    CatchUp movement;  // of all of them
  };
  void append_cut(std::uint64_t gradient, const Steps& steps, double most,
                  std::vector<CatchUp>& parts) const;
  Series make_series(double ratio, int offset_power, std::uint64_t length) const;
  double decay(std::uint64_t step) const { return schedule_.rate(step) * weight_decay_; }
  void make_decays(std::uint64_t length);
  double log_decay(std::uint64_t first, std::uint64_t last) const;
  static float power(const std::vector<float>& powers, std::uint64_t exponent) {
    return exponent < powers.size() ? powers[exponent] : 0.0F;
  }

  TrainSettings settings_;
  Schedule schedule_;
  double weight_decay_ = 0.0;  // of AdamW
  bool may_skip_ = false;
  bool plain_ = true;  // one learning rate, no decay
  std::vector<float> keep_m_;
  std::vector<float> keep_v_;
  Series rate_;                     // s
  Series offset_;                   // s o
  Series square_;                   // s o^2
  std::vector<double> log_decays_;  // sums of log d over steps 1..index; empty without decay
};

}  // namespace nibble
