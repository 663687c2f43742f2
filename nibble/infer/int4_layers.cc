// Layers of int4 weights, one class for each way the groups lie.
#include <memory>
#include <span>

#include "nibble/infer/layer.h"
#include "nibble/kernels/int4_dense.h"
#include "nibble/kernels/int4_sparse.h"
#include "nibble/kernels/row_quantize.h"

namespace nibble {
namespace {

Int4Source source_of(const Int4Matrix& weight) {
  return {weight.codes.values.data(), weight.scales.values.data(), weight.codes.rows,
          weight.outputs, weight.codes.file};
}

// Groups along the inputs: made for dense rows. A sparse row is written out in full.
class GroupedInputsLayer : public Layer {
 public:
  GroupedInputsLayer(const Int4Matrix& weight, std::span<const float> bias, LayerPlace place)
      : Layer(weight.codes.rows, bias, place),
        panels_(pack_int4_panels(source_of(weight), place.first)) {}

  std::size_t weight_bytes() const override { return inputs() * stride() / 2; }

  void dense(const FloatRows& x, OutputRows y, Workspace& workspace) const override {
    const std::size_t stride = round_up(inputs(), 64);
    std::uint8_t* bytes = room_for(workspace.bytes, x.rows * stride);
    RowScale* scales = room_for(workspace.scales, x.rows);
    quantize_rows(x, inputs(), bytes, scales);
    int4_dense({bytes, stride, x.rows, scales}, panels_, finish(), y,
               room_for(workspace.sums, int4_dense_workspace(x.rows, inputs())));
  }

  void sparse(const SparseRow& x, float* y, Workspace& workspace) const override {
    float* row = room_for(workspace.dense_row, inputs());
    std::fill_n(row, inputs(), 0.0F);
    for (std::size_t i = 0; i < x.count; ++i) row[x.columns[i]] = x.values[i];
    dense({row, inputs(), 1}, {y, stride()}, workspace);
  }

  std::size_t sparse_limit() const override { return 0; }

  void prefetch(std::span<const std::uint32_t> /*columns*/) const override {}

 private:
  Int4Panels panels_;
};

// Groups along the outputs: made for sparse rows. Of a dense row the non-zeros are taken.
class GroupedOutputsLayer : public Layer {
 public:
  GroupedOutputsLayer(const Int4Matrix& weight, std::span<const float> bias, LayerPlace place)
      : Layer(weight.codes.rows, bias, place), gathered_(pack_int4_gathered(source_of(weight))) {}

  std::size_t weight_bytes() const override { return inputs() * stride() / 2; }

  void dense(const FloatRows& x, OutputRows y, Workspace& workspace) const override {
    std::uint32_t* columns = room_for(workspace.columns, inputs() + kNonZeroSlack);
    float* values = room_for(workspace.values, inputs() + kNonZeroSlack);
    for (std::size_t r = 0; r < x.rows; ++r) {
      const std::size_t count =
          find_non_zeros(x.values + r * x.stride, inputs(), inputs(), columns, values);
      sparse({columns, values, count}, y.values + r * y.stride, workspace);
    }
  }

  void sparse(const SparseRow& x, float* y, Workspace& workspace) const override {
    std::uint8_t* bytes = room_for(workspace.bytes, round_up(x.count, 64));
    RowScale scale;
    quantize_rows({x.values, x.count, 1}, x.count, bytes, &scale);
    int4_sparse({x.columns, bytes, x.count, scale}, gathered_, finish(), y);
  }

  std::size_t sparse_limit() const override { return inputs(); }

  void prefetch(std::span<const std::uint32_t> columns) const override {
    for (const std::uint32_t column : columns) gathered_.prefetch(column);
  }

 private:
  Int4Gathered gathered_;
};

}  // namespace

std::unique_ptr<const Layer> prepare(
    Int4Matrix weight,  // NOLINT(performance-unnecessary-value-param): one signature for all
    std::span<const float> bias, LayerPlace place) {
  if (weight.axis == GroupAxis::kInputs)
    return std::make_unique<GroupedInputsLayer>(weight, bias, place);
  return std::make_unique<GroupedOutputsLayer>(weight, bias, place);
}

}  // namespace nibble
