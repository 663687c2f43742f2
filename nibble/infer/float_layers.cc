// Layers of float32, float16 and bfloat16 weights.
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "nibble/infer/layer.h"
#include "nibble/kernels/bf16_dense.h"
#include "nibble/kernels/cpu_level.h"
#include "nibble/kernels/cpu_targets.h"
#include "nibble/kernels/float_dense.h"
#include "nibble/kernels/float_sparse.h"
#include "nibble/kernels/row_quantize.h"

namespace nibble {
namespace {

SparseRow non_zeros(const float* row, std::size_t inputs, Workspace& workspace) {
  std::uint32_t* columns = room_for(workspace.active, inputs + kNonZeroSlack);
  float* values = room_for(workspace.active_values, inputs + kNonZeroSlack);
  return {columns, values, find_non_zeros(row, inputs, inputs, columns, values)};
}

struct F32Kernels {
  using Stored = float;
  using Panels = F32Panels;
  static Panels pack(const WeightView<Stored>& weights) { return pack_f32_panels(weights); }
  static void dense(const FloatRows& x, const Panels& weights, const Finish& finish, OutputRows y,
                    Workspace& workspace) {
    if (x.rows > 1) return f32_dense(x, weights, finish, y);
    f32_dense_row(non_zeros(x.values, weights.shape.inputs, workspace), weights, finish, y.values);
  }
  static constexpr auto* kSparse = f32_sparse;
};

struct F16Kernels {
  using Stored = std::uint16_t;
  using Panels = F16Panels;
  static Panels pack(const WeightView<Stored>& weights) { return pack_f16_panels(weights); }
  static void dense(const FloatRows& x, const Panels& weights, const Finish& finish, OutputRows y,
                    Workspace& workspace) {
    const std::size_t needed = f16_dense_workspace(x.rows, weights.shape.inputs);
    if (x.rows > 1) return f16_dense(x, weights, finish, y, room_for(workspace.words, needed));
    f16_dense_row(non_zeros(x.values, weights.shape.inputs, workspace), weights, finish, y.values);
  }
  static constexpr auto* kSparse = f16_sparse;
};

struct Bf16Kernels {
  using Stored = std::uint16_t;
  using Panels = Bf16Panels;
  static Panels pack(const WeightView<Stored>& weights) { return pack_bf16_panels(weights); }
  static void dense(const FloatRows& x, const Panels& weights, const Finish& finish, OutputRows y,
                    Workspace& workspace) {
    const std::size_t needed = bf16_dense_workspace(x.rows, weights.shape.inputs);
    bf16_dense(x, weights, finish, y, room_for(workspace.words, needed));
  }
  static constexpr auto* kSparse = bf16_sparse;
};

template <typename Kernels>
class FloatLayer : public Layer {
 public:
  using Stored = typename Kernels::Stored;

  FloatLayer(SharedMatrix<Stored> weight, std::span<const float> bias, LayerPlace place)
      : Layer(weight.rows, bias, place),
        panels_([this] { return Kernels::pack(view_of(gathered_)); }) {
    if (place.first) {
      gathered_ = pack_gathered(std::move(weight));
    } else {
      panels_.set(Kernels::pack(view_of(weight)));
    }
  }

  std::size_t weight_bytes() const override { return inputs() * stride() * sizeof(Stored); }

  void dense(const FloatRows& x, OutputRows y, Workspace& workspace) const override {
    Kernels::dense(x, panels_.get(), finish(), y, workspace);
  }
  void sparse(const SparseRow& x, float* y, Workspace& /*workspace*/) const override {
    Kernels::kSparse(x, gathered_, finish(), y);
  }

  void prefetch(std::span<const std::uint32_t> columns) const override {
    for (const std::uint32_t column : columns) gathered_.prefetch(column);
  }

 private:
  Gathered<Stored> gathered_;
  LazyPanels<typename Kernels::Panels> panels_;
};

// Of a layer in float32 that stays in L2 beside its neighbours.
constexpr std::size_t kSmallLayer = std::size_t{512} << 10;

// Whether weights of 16 bits are better kept as float32, which changes no bit: where nothing widens
// them quickly, and where that delays the products while reading float32 from L2 would not. On
// Emerald Rapids a row takes 3.5 us through 512 x 256 in f32, as long in bf16 and 4.5 in f16; at
// avx2 through the reference model 5.3 in f32, 6.0 in f16 and 6.9 in bf16. A first layer is read
// from further away, and keeps its half of the bytes.
bool widens_once(std::size_t weights, LayerPlace place) {
  if (!narrow_floats_are_fast()) return true;
  return !place.first && weights * sizeof(float) <= kSmallLayer && widening_delays_products();
}

}  // namespace

std::unique_ptr<const Layer> prepare(F32Matrix weight, std::span<const float> bias,
                                     LayerPlace place) {
  return std::make_unique<FloatLayer<F32Kernels>>(std::move(weight), bias, place);
}

std::unique_ptr<const Layer> prepare(F16Matrix weight, std::span<const float> bias,
                                     LayerPlace place) {
  if (widens_once(weight.codes.rows * weight.codes.columns, place))
    return prepare(decode(weight), bias, place);
  return std::make_unique<FloatLayer<F16Kernels>>(std::move(weight.codes), bias, place);
}

std::unique_ptr<const Layer> prepare(Bf16Matrix weight, std::span<const float> bias,
                                     LayerPlace place) {
  if (!bf16_dots_in_use() && widens_once(weight.codes.rows * weight.codes.columns, place))
    return prepare(decode(weight), bias, place);
  return std::make_unique<FloatLayer<Bf16Kernels>>(std::move(weight.codes), bias, place);
}

}  // namespace nibble
