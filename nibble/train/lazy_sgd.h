// SGD with momentum and weight decay for weight rows that are visited now and then.
//
// A step j without a gradient takes a weight w and its momentum buffer b to
//   b' = mu b + wd w,   w' = w - lr(j) b' = (1 - lr(j) wd) w - lr(j) mu b,
// a matrix of two by two. Any number of steps is the product of their matrices, so the catch-up is
// exact. Where the rate is constant the product is a power, made from the squares M, M^2, M^4, ...;
// where a schedule changes it, from products of 16, 32, 64, ... steps prepared beforehand (4 bytes
// a step). A prefix product with its inverse would be shorter to write, but the inverse grows like
// mu^-k. Matrices hold M - 1 at the weight's own place, so that a small decay keeps its digits.
#pragma once

#include <cstdint>
#include <vector>

#include "nibble/kernels/optimizer.h"
#include "nibble/kernels/train_sparse_sgd.h"
#include "nibble/train/schedule.h"
#include "nibble/train/settings.h"

namespace nibble {

// SGD's numbers for step 1, 2, ...
SgdStep sgd_step(const TrainSettings& settings, const Schedule& schedule, std::uint64_t step);

class LazySgd {
 public:
  LazySgd(const TrainSettings& settings, std::uint64_t steps);

  // Steps first..last (first <= last), none of which had a gradient for this row.
  SgdCatchUp catch_up(std::uint64_t first, std::uint64_t last) const;

 private:
  struct Steps {  // the matrix of some steps, M - 1 at w_from_w
    double w_from_w = 0.0;
    double w_from_m = 0.0;
    double m_from_w = 0.0;
    double m_from_m = 1.0;
  };
  static Steps after(const Steps& now, const Steps& before);
  Steps one(std::uint64_t step) const;
  Steps varying(std::uint64_t first, std::uint64_t end) const;
  Steps constant(std::uint64_t count) const;

  static constexpr std::uint64_t kSmallest = 16;  // steps of the shortest prepared product

  TrainSettings settings_;
  Schedule schedule_;
  std::vector<std::vector<Steps>> products_;  // level l: of kSmallest 2^l steps each, from step 1
  std::vector<Steps> squares_;                // M, M^2, M^4, ... of the settled rate
};

}  // namespace nibble
