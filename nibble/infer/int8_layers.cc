// Layers of int8 weights: the schemes int8 (one scale for each row of inputs, or a fixed one) and
// int8-torch (one for all rows of a call). They differ in how inputs become bytes and share
// everything after.
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "nibble/infer/layer.h"
#include "nibble/kernels/int8_dense.h"
#include "nibble/kernels/int8_sparse.h"
#include "nibble/kernels/row_quantize.h"

namespace nibble {
namespace {

class Int8Layer : public Layer {
 public:
  Int8Layer(SharedMatrix<std::int8_t> codes, std::span<const float> scales,
            std::span<const float> bias, LayerPlace place)
      : Layer(codes.rows, bias, place),
        scales_(padded(scales)),
        panels_([this] { return pack(view_of(gathered_)); }) {
    if (place.first) {
      gathered_ = pack_gathered(std::move(codes));
    } else {
      panels_.set(pack(view_of(codes)));
    }
  }

  std::size_t weight_bytes() const override { return inputs() * stride(); }

  void dense(const FloatRows& x, OutputRows y, Workspace& workspace) const override {
    const std::size_t stride = round_up(inputs(), 64);
    std::uint8_t* bytes = room_for(workspace.bytes, x.rows * stride);
    RowScale* scales = room_for(workspace.scales, x.rows);
    quantize(x, inputs(), bytes, scales, workspace);
    int8_dense({bytes, stride, x.rows, scales}, panels_.get(), finish(), y,
               room_for(workspace.words, int8_dense_workspace(x.rows, inputs())));
  }

  void sparse(const SparseRow& x, float* y, Workspace& workspace) const override {
    std::uint8_t* bytes = room_for(workspace.bytes, round_up(x.count, 64));
    RowScale scale;
    quantize({x.values, x.count, 1}, x.count, bytes, &scale, workspace);
    int8_sparse({x.columns, bytes, x.count, scale}, gathered_, scales_.data(), finish(), y);
  }

  void prefetch(std::span<const std::uint32_t> columns) const override {
    for (const std::uint32_t column : columns) gathered_.prefetch(column);
  }

 private:
  virtual void quantize(const FloatRows& x, std::size_t count, std::uint8_t* bytes,
                        RowScale* scales, const Workspace& /*workspace*/) const {
    quantize_rows(x, count, bytes, scales);
  }
  Int8Panels pack(const WeightView<std::int8_t>& codes) const {
    return pack_int8_panels(codes, std::span(scales_).first(outputs()));
  }

  AlignedVector<float> scales_;
  Gathered<std::int8_t> gathered_;
  LazyPanels<Int8Panels> panels_;
};

class Int8TorchLayer : public Int8Layer {
 public:
  using Int8Layer::Int8Layer;
  bool wants_call_scale() const override { return true; }

 private:
  void quantize(const FloatRows& x, std::size_t count, std::uint8_t* bytes, RowScale* scales,
                const Workspace& workspace) const override {
    quantize_rows_with(workspace.call, x, count, bytes);
    std::fill_n(scales, x.rows, workspace.call);
  }
};

class StaticInt8Layer : public Int8Layer {
 public:
  StaticInt8Layer(Int8Matrix weight, std::span<const float> bias, LayerPlace place)
      : Int8Layer(std::move(weight.codes), weight.scales, bias, place),
        input_{place.input->scale, place.input->zero_point} {}

 private:
  void quantize(const FloatRows& x, std::size_t count, std::uint8_t* bytes, RowScale* scales,
                const Workspace& /*workspace*/) const override {
    quantize_rows_with(input_, x, count, bytes);
    std::fill_n(scales, x.rows, input_);
  }

  RowScale input_;
};

}  // namespace

std::unique_ptr<const Layer> prepare(Int8Matrix weight, std::span<const float> bias,
                                     LayerPlace place) {
  if (place.input) return std::make_unique<StaticInt8Layer>(std::move(weight), bias, place);
  return std::make_unique<Int8Layer>(std::move(weight.codes), weight.scales, bias, place);
}

std::unique_ptr<const Layer> prepare(Int8TorchMatrix weight, std::span<const float> bias,
                                     LayerPlace place) {
  const std::vector<float> scales(bias.size(), weight.scale);
  return std::make_unique<Int8TorchLayer>(std::move(weight.codes), scales, bias, place);
}

}  // namespace nibble
