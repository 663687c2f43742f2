#include "nibble/measure/layer_times.h"

#include <algorithm>

#include "nibble/measure/latency.h"

namespace nibble {
namespace {

// Enough rows that a call does not meet the inputs of the one before, few enough that their
// activations do not crowd the caches.
constexpr std::size_t kRows = 256;

TimedCall layer_calls(const PreparedMlp& network, std::size_t layer,
                      const std::vector<RowsView>& batches, PreparedMlp::Scratch& scratch) {
  return [&, layer](std::size_t call) {
    network.run_layer(layer, batches[call % batches.size()], scratch);
    keep(&scratch);
  };
}

Matrix<float> outputs_of(const PreparedMlp& network, std::size_t layer, const RowsView& inputs) {
  PreparedMlp::Scratch scratch;
  Matrix<float> outputs;
  network.run_layer(layer, inputs, scratch, &outputs);
  return outputs;
}

RowsView some_rows(const RowsView& rows, std::size_t batch) {
  return slice(rows, 0, std::min(row_count(rows), std::max(batch, kRows)));
}

double share_of_non_zeros(const Matrix<float>& values) {
  const auto zeros = std::ranges::count(values.values, 0.0F);
  return 1.0 - static_cast<double>(zeros) / static_cast<double>(values.values.size());
}

}  // namespace

void find_active_shares(const PreparedMlp& network, const RowsView& rows,
                        std::vector<LayerLoad>& layers) {
  Matrix<float> inputs;
  RowsView view = some_rows(rows, 1);
  for (std::size_t layer = 1; layer < layers.size(); ++layer) {
    inputs = outputs_of(network, layer - 1, view);
    view = view_of(inputs);
    layers[layer].active = share_of_non_zeros(inputs);
  }
}

std::vector<LayerTime> time_layers(const LayerTiming& what, const RowsView& rows, std::size_t batch,
                                   const TimingLimits& limits) {
  PreparedMlp::Scratch scratch;
  std::vector<LayerTime> times;
  Matrix<float> inputs;
  RowsView view = some_rows(rows, batch);
  for (std::size_t layer = 0; layer < what.layers.size(); ++layer) {
    LayerTime time{layer, what.layers[layer].summary, batch, 0.0, {}, 0.0};
    const std::vector<RowsView> batches = batches_of(view, batch);
    time.ns = 1e9 / calls_per_second(layer_calls(what.network, layer, batches, scratch), limits);
    time.work = layer == 0 ? mean_call_work({what.layers[layer]}, view, batch)
                           : later_layer_work(what.layers[layer], batch);
    time.floor_ns = floor_ns(time.work, what.scheme, what.ceilings, 1);
    times.push_back(std::move(time));
    inputs = outputs_of(what.network, layer, view);
    view = view_of(inputs);
  }
  return times;
}

}  // namespace nibble
