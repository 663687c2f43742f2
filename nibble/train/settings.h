// Everything that decides how a network is trained, with PyTorch's meaning.
//
// adam   torch.optim.Adam. Weight decay is added to the gradient; for sparse rows it is refused
//        (it would enter the moments of weights that no row touches: no closed form).
// adamw  torch.optim.AdamW: w *= 1 - lr * weight_decay, then Adam.
// sgd    torch.optim.SGD, dampening 0, nesterov off: g += weight_decay * w;
//        b = momentum * b + g; w -= lr * b.
// Weight decay acts on all parameters, biases too, as PyTorch's does on model.parameters().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace nibble {

enum class Optimizer { kAdam, kAdamW, kSgd };
// "adam", "adamw", "sgd"; an Error for anything else.
Optimizer optimizer_named(std::string_view name);
std::string_view name_of(Optimizer optimizer);

enum class ScheduleKind { kConstant, kCosine, kLinear };  // formulas: schedule.h
// "constant", "cosine", "linear"; an Error for anything else.
ScheduleKind schedule_named(std::string_view name);
std::string_view name_of(ScheduleKind schedule);

struct TrainSettings {
  std::size_t epochs = 10;
  std::size_t batch = 32;
  Optimizer optimizer = Optimizer::kAdam;
  double learning_rate = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double momentum = 0.0;  // of sgd
  double weight_decay = 0.0;
  ScheduleKind schedule = ScheduleKind::kConstant;
  double warmup = 0.0;                  // steps; below 1 a share of all steps
  double clip_norm = 0.0;               // torch.nn.utils.clip_grad_norm_; 0: off
  double label_smoothing = 0.0;         // these two: torch.nn.CrossEntropyLoss (loss.h)
  std::vector<double> class_weights;    // one for each label; empty: all 1
  bool balanced_classes = false;        // class weights from the training labels instead
  std::vector<double> dropout = {0.3};  // each in [0, 1): one for all hidden layers or one for each
  std::size_t patience = 0;             // epochs without a better one that end training; 0: never
  std::uint32_t seed = 0;
  bool shuffle = true;
};
// The dropout after hidden layer `layer` (0-based).
double dropout_of(const TrainSettings& settings, std::size_t layer);

// An Error that names the setting, its value and the range, when one makes no sense.
void check(const TrainSettings& settings);

}  // namespace nibble
