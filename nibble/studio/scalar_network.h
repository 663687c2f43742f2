// A network whose first layer has rank 1 computes everything from one number, the row's score
// z = x . u: all behind it is a function of z with straight pieces, whatever its size. So it can be
// replaced by the pieces that matter: 172,000 weights of the reference network by a dozen.
#pragma once

#include <cstddef>
#include <span>

#include "nibble/network/mlp.h"

namespace nibble {

// One hidden layer of `pieces` neurons with the values of `rest` (1 input) at as many points:
//   f(z) ~ f(t_0) + sum over k of c_k relu(z - t_k).
// The points t_k are the ends of the scores' range, widened by half of it, and then, one after the
// other, where the error, weighted with how many scores lie near, is largest. Below t_0 it stays
// level; above the last it goes on as it was.
Mlp scalar_network(const Mlp& rest, std::span<const float> scores, std::size_t pieces);

}  // namespace nibble
