// One layer of a PreparedMlp. Not for use outside this room.
//
// Layers hand each other float32 rows; what an encoding needs beyond that (bytes, pairs of bf16) it
// makes at its own door, from rows that still lie in L1. So any encodings can follow each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

// Working memory of one thread. Every vector grows to the largest use seen and never shrinks.
struct Workspace {
  AlignedVector<float> current;  // a block of rows before a layer
  AlignedVector<float> next;     // and after
  AlignedVector<float> dense_row;
  std::vector<std::uint32_t> columns;  // the non-zeros of a dense row
  std::vector<float> values;
  std::vector<std::uint32_t> active;  // the same of a row between two layers
  std::vector<float> active_values;
  AlignedVector<std::uint8_t> bytes;  // quantized rows
  std::vector<RowScale> scales;
  AlignedVector<std::uint32_t> words;  // for the kernels
  AlignedVector<std::int32_t> sums;
  RowScale call;  // int8-torch: how the inputs of the layer at hand become bytes
};

// Rows that pass through all layers together. While the weights stay in L2, one register tile: six
// rows of 512 floats before and after a layer are 24 KB, which is what L1 has room for, and the
// weights are not what a batch waits for. More of them have to serve more rows each time they come:
// 256 rows through 784-2048-2048-10 take in f32 0.79 of the time (0.5 at avx2), in int4 0.87; the
// reference model's 690 KB of f32 0.95. 48 to 192 rows are alike. (Zen 5, 1 MB of L2.)
inline constexpr std::size_t kManyRows = 16 * kTileRows;

// A vector's storage for at least `count` elements.
template <typename Vector>
typename Vector::value_type* room_for(Vector& vector, std::size_t count) {
  if (vector.size() < count) vector.resize(count);
  return vector.data();
}

// Where a layer stands: the first may meet sparse rows, all but the last and factors end in ReLU.
struct LayerPlace {
  bool first = false;
  bool relu = false;
  std::optional<CallQuantization> input = std::nullopt;  // int8: in place of a scale for each row
};

class Layer {
 public:
  Layer(std::size_t inputs, std::span<const float> bias, LayerPlace place)
      : inputs_(inputs), outputs_(bias.size()), bias_(padded(bias)), relu_(place.relu) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }
  // Floats between two rows of outputs.
  std::size_t stride() const { return padded_outputs(outputs_); }

  // That a block of dense rows reads.
  virtual std::size_t weight_bytes() const = 0;

  // Both write rows of stride() floats.
  virtual void dense(const FloatRows& x, OutputRows y, Workspace& workspace) const = 0;
  // First layers only.
  virtual void sparse(const SparseRow& x, float* y, Workspace& workspace) const = 0;
  // Asks for the weights that sparse() will read.
  virtual void prefetch(std::span<const std::uint32_t> columns) const = 0;
  // Up to how many non-zeros a row of this first layer is better off with sparse().
  virtual std::size_t sparse_limit() const { return inputs_ / 4; }
  // Whether all rows of a call share one scale (Workspace::call), to be set before.
  virtual bool wants_call_scale() const { return false; }

 protected:
  Finish finish() const { return {bias_.data(), relu_}; }

 private:
  std::size_t inputs_;
  std::size_t outputs_;
  AlignedVector<float> bias_;
  bool relu_;
};

std::unique_ptr<const Layer> prepare_layer(Linear linear, LayerPlace place);
std::unique_ptr<const Layer> prepare_layer(QuantizedLinear linear, LayerPlace place);

// One for each encoding. A first layer keeps the weights' storage where it can.
std::unique_ptr<const Layer> prepare(F32Matrix weight, std::span<const float> bias,
                                     LayerPlace place);
std::unique_ptr<const Layer> prepare(F16Matrix weight, std::span<const float> bias,
                                     LayerPlace place);
std::unique_ptr<const Layer> prepare(Bf16Matrix weight, std::span<const float> bias,
                                     LayerPlace place);
std::unique_ptr<const Layer> prepare(Int8Matrix weight, std::span<const float> bias,
                                     LayerPlace place);
std::unique_ptr<const Layer> prepare(Int8TorchMatrix weight, std::span<const float> bias,
                                     LayerPlace place);
std::unique_ptr<const Layer> prepare(Int4Matrix weight, std::span<const float> bias,
                                     LayerPlace place);
// These two run as their kernel_form.
std::unique_ptr<const Layer> prepare(const GroupedMatrix& weight, std::span<const float> bias,
                                     LayerPlace place);
std::unique_ptr<const Layer> prepare(const PqMatrix& weight, std::span<const float> bias,
                                     LayerPlace place);

// Weights in panels, made at once for a layer that only ever meets dense rows. A first layer keeps
// its weights gathered and makes panels of them when the first dense row comes: a bag of words then
// never pays for a second copy of its 10,000 rows.
template <typename Panels>
class LazyPanels {
 public:
  explicit LazyPanels(std::function<Panels()> make) : make_(std::move(make)) {}
  void set(Panels panels) {
    std::call_once(made_, [&] { panels_ = std::move(panels); });
  }
  const Panels& get() const {
    std::call_once(made_, [this] { panels_ = make_(); });
    return panels_;
  }

 private:
  std::function<Panels()> make_;
  mutable std::once_flag made_;
  mutable Panels panels_;
};

}  // namespace nibble
