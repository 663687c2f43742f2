// Training by the textbook: plain loops, double precision, every parameter at every step.
//
// Clipping is torch.nn.utils.clip_grad_norm_: all gradients times max_norm / (norm + 1e-6) where
// that is below 1.
//
// The fast trainer (trainer.h) is tested against it. Forward: y = x W + b, ReLU and inverted
// dropout after every layer but the last; loss: cross-entropy of the softmax, mean over the batch,
// with label smoothing and class weights as torch/nn/functional.py's cross_entropy has them.
// Adam as PyTorch means it (torch/optim/adam.py): m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
// w -= lr / (1-b1^t) * m / (sqrt(v) / sqrt(1-b2^t) + eps). AdamW first takes w *= 1 - lr wd, Adam
// with weight decay g += wd w. SGD: g += wd w; m = momentum m + g; w -= lr m (torch/optim/sgd.py).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/data/rows.h"
#include "nibble/network/mlp.h"
#include "nibble/train/dropout.h"
#include "nibble/train/schedule.h"
#include "nibble/train/settings.h"

namespace nibble {

struct ReferenceLayer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<double> weight;  // [inputs][outputs]
  std::vector<double> bias;
};
using ReferenceNetwork = std::vector<ReferenceLayer>;

ReferenceNetwork reference_network(const Mlp& mlp);
Mlp to_mlp(const ReferenceNetwork& network);

// What the loss depends on beside the network.
struct ReferenceRules {
  std::vector<Dropout> dropout = {Dropout()};  // one for all hidden layers, or one for each
  double label_smoothing = 0.0;
  std::vector<double> class_weights = {};  // empty: all 1
};

struct LossAndGradients {
  double loss = 0.0;
  ReferenceNetwork gradients;  // of the loss, parameter by parameter
};
LossAndGradients reference_gradients(const ReferenceNetwork& network, const RowsView& rows,
                                     std::span<const Label> labels, const ReferenceRules& rules);

class ReferenceTrainer {
 public:
  // `steps`: how many there will be, for schedules. Class weights must be given, not balanced.
  ReferenceTrainer(const Mlp& initial, const TrainSettings& settings, std::uint64_t steps = 1);
  // One step on one batch; returns the loss before it.
  double step(const RowsView& rows, std::span<const Label> labels);
  const ReferenceNetwork& network() const { return network_; }

 private:
  ReferenceRules rules() const;

  TrainSettings settings_;
  Schedule schedule_;
  ReferenceNetwork network_;
  ReferenceNetwork m_;
  ReferenceNetwork v_;
  std::uint64_t steps_ = 0;
};

}  // namespace nibble
