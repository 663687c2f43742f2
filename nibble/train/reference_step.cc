#include "nibble/train/reference_step.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nibble {
namespace {

using Values = std::vector<double>;

Values dense_row(const SparseRowsView& rows, std::size_t row) {
  Values values(rows.columns);
  const auto indices = rows.row_indices(row);
  for (std::size_t i = 0; i < indices.size(); ++i) values[indices[i]] += rows.row_values(row)[i];
  return values;
}

Values dense_row(const DenseRowsView& rows, std::size_t row) {
  return {rows.row(row).begin(), rows.row(row).end()};
}

Values layer_outputs(const ReferenceLayer& layer, const Values& x) {
  Values y = layer.bias;
  for (std::size_t i = 0; i < layer.inputs; ++i) {
    for (std::size_t o = 0; o < layer.outputs; ++o)
      y[o] += x[i] * layer.weight[i * layer.outputs + o];
  }
  return y;
}

Values softmax(const Values& logits) {
  const double top = *std::ranges::max_element(logits);
  Values p(logits.size());
  double sum = 0.0;
  for (std::size_t o = 0; o < p.size(); ++o) sum += p[o] = std::exp(logits[o] - top);
  for (double& value : p) value /= sum;
  return p;
}

// One row's way through the network: what each layer got, and the factor (ReLU and dropout) on what
// it gave.
struct Trace {
  std::vector<Values> inputs;
  std::vector<Values> factors;
  Values probabilities;
};

Trace forward(const ReferenceNetwork& network, Values x, std::size_t row,
              const ReferenceRules& rules) {
  Trace trace;
  for (std::size_t l = 0; l < network.size(); ++l) {
    trace.inputs.push_back(std::move(x));
    x = layer_outputs(network[l], trace.inputs.back());
    if (l + 1 == network.size()) break;
    const Dropout& dropout = rules.dropout.size() == 1 ? rules.dropout[0] : rules.dropout.at(l);
    Values factors(x.size());
    for (std::size_t o = 0; o < x.size(); ++o) {
      factors[o] = x[o] > 0.0 ? dropout_factor(dropout, l, row, x.size(), o) : 0.0;
      x[o] *= factors[o];
    }
    trace.factors.push_back(std::move(factors));
  }
  trace.probabilities = softmax(x);
  return trace;
}

// Adds this row's share to the gradients of layer `l` and returns the gradient of its input.
Values backward_layer(const ReferenceLayer& layer, const Values& x, const Values& dy,
                      ReferenceLayer& gradient) {
  Values dx(layer.inputs);
  for (std::size_t i = 0; i < layer.inputs; ++i) {
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      gradient.weight[i * layer.outputs + o] += x[i] * dy[o];
      dx[i] += layer.weight[i * layer.outputs + o] * dy[o];
    }
  }
  for (std::size_t o = 0; o < layer.outputs; ++o) gradient.bias[o] += dy[o];
  return dx;
}

void backward(const ReferenceNetwork& network, const Trace& trace, Values dy,
              ReferenceNetwork& gradients) {
  for (std::size_t l = network.size(); l-- > 0;) {
    dy = backward_layer(network[l], trace.inputs[l], dy, gradients[l]);
    if (l == 0) return;
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] *= trace.factors[l - 1][i];
  }
}

double class_weight(const ReferenceRules& rules, Label label) {
  return rules.class_weights.empty() ? 1.0 : rules.class_weights[label];
}

// A row's loss is a sum of share * -log p[k] over the classes; each adds share * (p - e_k) to the
// gradient.
double loss_of_row(const Values& p, Label label, const ReferenceRules& rules, double scale,
                   Values& gradient) {
  double loss = 0.0;
  for (std::size_t k = 0; k < p.size(); ++k) {
    const auto here = static_cast<Label>(k);
    double share =
        scale * rules.label_smoothing / static_cast<double>(p.size()) * class_weight(rules, here);
    if (here == label) share += scale * (1.0 - rules.label_smoothing) * class_weight(rules, label);
    if (share == 0.0) continue;
    loss -= share * std::log(p[k]);
    for (std::size_t o = 0; o < p.size(); ++o) gradient[o] += share * (p[o] - (o == k ? 1.0 : 0.0));
  }
  return loss;
}

ReferenceNetwork zeros_like(const ReferenceNetwork& network) {
  ReferenceNetwork zeros = network;
  for (ReferenceLayer& layer : zeros) {
    std::ranges::fill(layer.weight, 0.0);
    std::ranges::fill(layer.bias, 0.0);
  }
  return zeros;
}

void clip(ReferenceNetwork& gradients, double max_norm) {
  double square = 0.0;
  for (const ReferenceLayer& layer : gradients) {
    for (const double g : layer.weight) square += g * g;
    for (const double g : layer.bias) square += g * g;
  }
  const double factor = std::min(1.0, max_norm / (std::sqrt(square) + 1e-6));
  for (ReferenceLayer& layer : gradients) {
    for (double& g : layer.weight) g *= factor;
    for (double& g : layer.bias) g *= factor;
  }
}

struct StepNumbers {
  std::uint64_t step = 0;
  double rate = 0.0;
};

void adam(const TrainSettings& s, const StepNumbers& now, const Values& gradient, Values& w,
          Values& m, Values& v) {
  const double correction1 = 1.0 - std::pow(s.beta1, static_cast<double>(now.step));
  const double correction2 = 1.0 - std::pow(s.beta2, static_cast<double>(now.step));
  for (std::size_t i = 0; i < w.size(); ++i) {
    m[i] = s.beta1 * m[i] + (1.0 - s.beta1) * gradient[i];
    v[i] = s.beta2 * v[i] + (1.0 - s.beta2) * gradient[i] * gradient[i];
    const double root = std::sqrt(v[i]) / std::sqrt(correction2) + s.epsilon;
    w[i] -= now.rate / correction1 * m[i] / root;
  }
}

void sgd(const TrainSettings& s, const StepNumbers& now, const Values& gradient, Values& w,
         Values& buffer) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    buffer[i] = s.momentum * buffer[i] + gradient[i];
    w[i] -= now.rate * buffer[i];
  }
}

void optimize(const TrainSettings& s, const StepNumbers& now, Values gradient, Values& w, Values& m,
              Values& v) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (s.optimizer == Optimizer::kAdamW) {
      w[i] *= 1.0 - now.rate * s.weight_decay;
    } else {
      gradient[i] += s.weight_decay * w[i];
    }
  }
  if (s.optimizer == Optimizer::kSgd) {
    sgd(s, now, gradient, w, m);
  } else {
    adam(s, now, gradient, w, m, v);
  }
}

}  // namespace

ReferenceNetwork reference_network(const Mlp& mlp) {
  ReferenceNetwork network;
  for (const Linear& layer : mlp.layers) {
    network.push_back({layer.inputs(),
                       layer.outputs(),
                       {layer.weight.values.begin(), layer.weight.values.end()},
                       {layer.bias.begin(), layer.bias.end()}});
  }
  return network;
}

Mlp to_mlp(const ReferenceNetwork& network) {
  Mlp mlp;
  for (const ReferenceLayer& layer : network) {
    Linear& linear = mlp.layers.emplace_back(layer.inputs, layer.outputs);
    const auto to_float = [](double value) { return static_cast<float>(value); };
    std::ranges::transform(layer.weight, linear.weight.values.begin(), to_float);
    std::ranges::transform(layer.bias, linear.bias.begin(), to_float);
  }
  return mlp;
}

LossAndGradients reference_gradients(const ReferenceNetwork& network, const RowsView& rows,
                                     std::span<const Label> labels, const ReferenceRules& rules) {
  LossAndGradients result{0.0, zeros_like(network)};
  double batch_weight = 0.0;
  for (const Label label : labels) batch_weight += class_weight(rules, label);
  for (std::size_t r = 0; r < labels.size(); ++r) {
    Values x = std::visit([r](const auto& view) { return dense_row(view, r); }, rows);
    const Trace trace = forward(network, std::move(x), r, rules);
    Values dy(trace.probabilities.size());
    result.loss += loss_of_row(trace.probabilities, labels[r], rules, 1.0 / batch_weight, dy);
    backward(network, trace, std::move(dy), result.gradients);
  }
  return result;
}

ReferenceTrainer::ReferenceTrainer(const Mlp& initial, const TrainSettings& settings,
                                   std::uint64_t steps)
    : settings_(settings),
      schedule_(settings, steps),
      network_(reference_network(initial)),
      m_(zeros_like(network_)),
      v_(m_) {}

ReferenceRules ReferenceTrainer::rules() const {
  ReferenceRules rules{{}, settings_.label_smoothing, settings_.class_weights};
  for (const double p : settings_.dropout) rules.dropout.push_back({p, settings_.seed, steps_});
  return rules;
}

double ReferenceTrainer::step(const RowsView& rows, std::span<const Label> labels) {
  LossAndGradients result = reference_gradients(network_, rows, labels, rules());
  if (settings_.clip_norm > 0.0) clip(result.gradients, settings_.clip_norm);
  ++steps_;
  const StepNumbers now{steps_, schedule_.rate(steps_)};
  for (std::size_t l = 0; l < network_.size(); ++l) {
    const ReferenceLayer& g = result.gradients[l];
    optimize(settings_, now, g.weight, network_[l].weight, m_[l].weight, v_[l].weight);
    optimize(settings_, now, g.bias, network_[l].bias, m_[l].bias, v_[l].bias);
  }
  return result.loss;
}

}  // namespace nibble
