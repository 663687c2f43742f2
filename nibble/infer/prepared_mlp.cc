#include "nibble/infer/prepared_mlp.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "nibble/core/error.h"
#include "nibble/infer/layer.h"
#include "nibble/kernels/cpu_level.h"
#include "nibble/kernels/cpu_targets.h"
#include "nibble/kernels/row_quantize.h"
#include "nibble/network/reference_forward.h"
#include "nibble/quant/activations.h"

namespace nibble {
namespace {

using LayerList = std::vector<std::unique_ptr<const Layer>>;

// Weights that stay in L2 whatever else a block of rows needs: half of the smallest L2 in use.
constexpr std::size_t kSmallWeights = std::size_t{256} << 10;

// Of the layers from `first` on, each of which takes dense rows.
std::size_t rows_of_a_block(const LayerList& layers, std::size_t first) {
  std::size_t bytes = 0;
  for (std::size_t l = first; l < layers.size(); ++l) bytes += layers[l]->weight_bytes();
  return bytes > kSmallWeights ? kManyRows : kTileRows;
}

template <typename Linears>
LayerList prepare_layers(Linears linears) {
  static_cast<void>(cpu_level());  // reads NIBBLE_CPU before the first kernel runs
  LayerList layers;
  for (std::size_t l = 0; l < linears.size(); ++l) {
    const bool relu = l + 1 < linears.size() && !is_factor(linears[l]);
    layers.push_back(prepare_layer(std::move(linears[l]), {l == 0, relu}));
  }
  return layers;
}

// The rows first .. first+count-1 of x. Their weights, scattered over megabytes, come from L3 or
// memory: those of a row are asked for a register tile ahead, which may be while the block before
// passes through the other layers, on CPUs that gain by it.
void run_first(const Layer& layer, const SparseRowsView& x, std::size_t first, std::size_t count,
               OutputRows y, Workspace& workspace) {
  const bool early = early_requests_pay();
  for (std::size_t r = 0; r < count; ++r) {
    const std::size_t row = first + r;
    if (early && row + kTileRows < x.rows) layer.prefetch(x.row_indices(row + kTileRows));
    const auto columns = x.row_indices(row);
    layer.sparse({columns.data(), x.row_values(row).data(), columns.size()},
                 y.values + r * y.stride, workspace);
  }
}

// Rows with few non-zeros go one by one, those between them together.
void run_first(const Layer& layer, const DenseRowsView& all, std::size_t first, std::size_t count,
               OutputRows y, Workspace& workspace) {
  const DenseRowsView x = all.slice(first, count);
  const std::size_t limit = layer.sparse_limit();
  std::uint32_t* columns = room_for(workspace.columns, limit + kNonZeroSlack);
  float* values = room_for(workspace.values, limit + kNonZeroSlack);
  std::size_t dense_begin = 0;
  const auto flush = [&](std::size_t end) {
    if (dense_begin < end)
      layer.dense({x.row(dense_begin).data(), x.columns, end - dense_begin},
                  {y.values + dense_begin * y.stride, y.stride}, workspace);
    dense_begin = end + 1;
  };
  for (std::size_t r = 0; r < x.rows; ++r) {
    const std::size_t found = find_non_zeros(x.row(r).data(), x.columns, limit, columns, values);
    if (found > limit) continue;
    flush(r);
    layer.sparse({columns, values, found}, y.values + r * y.stride, workspace);
  }
  flush(x.rows);
}

// Rows of outputs of a layer; what lies between columns and stride is undefined.
struct Activations {
  const float* values = nullptr;
  std::size_t stride = 0;
  std::size_t columns = 0;
};

void copy_outputs(const Activations& last, std::size_t rows, float* outputs) {
  for (std::size_t r = 0; r < rows; ++r)
    std::copy_n(last.values + r * last.stride, last.columns, outputs + r * last.columns);
}

// All layers but the first, for rows that stand in workspace.current.
void run_rest(const LayerList& layers, std::size_t rows, float* logits, Workspace& workspace) {
  Activations x{workspace.current.data(), layers.front()->stride(), layers.front()->outputs()};
  for (std::size_t l = 1; l < layers.size(); ++l) {
    const Layer& layer = *layers[l];
    float* y = room_for(workspace.next, rows * layer.stride());
    layer.dense({x.values, x.stride, rows}, {y, layer.stride()}, workspace);
    x = {y, layer.stride(), layer.outputs()};
    std::swap(workspace.current, workspace.next);
  }
  copy_outputs(x, rows, logits);
}

// Rows of a layer's inputs other than the first's: all through its dense kernel.
void run_later(const Layer& layer, const DenseRowsView& all, std::size_t first, std::size_t count,
               OutputRows y, Workspace& workspace) {
  layer.dense({all.row(first).data(), all.columns, count}, y, workspace);
}
[[noreturn]] void run_later(const Layer& layer, const SparseRowsView& /*all*/,
                            std::size_t /*first*/, std::size_t /*count*/, OutputRows /*y*/,
                            Workspace& /*workspace*/) {
  throw_error("a layer of {} inputs behind another layer takes dense rows; it got sparse ones",
              layer.inputs());
}

template <typename View>
void run_in_blocks(const LayerList& layers, std::size_t block, const View& rows, float* logits,
                   Workspace& workspace) {
  const std::size_t stride = layers.front()->stride();
  in_even_parts(rows.rows, block, [&](std::size_t first, std::size_t count) {
    float* y = room_for(workspace.current, count * stride);
    run_first(*layers.front(), rows, first, count, {y, stride}, workspace);
    run_rest(layers, count, logits + first * layers.back()->outputs(), workspace);
  });
}

RowScale call_scale(ValueRange range) {
  const CallQuantization call = choose_call_quantization(range.low, range.high);
  return {call.scale, call.zero_point};
}

ValueRange range_of(const SparseRowsView& rows) {
  return range_with_zero(rows.values + rows.offsets[0], rows.offsets[rows.rows] - rows.offsets[0]);
}
ValueRange range_of(const DenseRowsView& rows) {
  return range_with_zero(rows.values, rows.rows * rows.columns);
}

ValueRange range_of(const Activations& x, std::size_t rows) {
  ValueRange all;
  for (std::size_t r = 0; r < rows; ++r) {
    const ValueRange row = range_with_zero(x.values + r * x.stride, x.columns);
    all = {std::min(all.low, row.low), std::max(all.high, row.high)};
  }
  return all;
}

// All rows through one layer before the next: what a scale for the whole call asks for.
template <typename View>
void run_by_layer(const LayerList& layers, const View& rows, float* logits, Workspace& workspace) {
  workspace.call = call_scale(range_of(rows));
  const Layer& first = *layers.front();
  Activations x{room_for(workspace.current, rows.rows * first.stride()), first.stride(),
                first.outputs()};
  run_first(first, rows, 0, rows.rows, {workspace.current.data(), x.stride}, workspace);
  for (std::size_t l = 1; l < layers.size(); ++l) {
    const Layer& layer = *layers[l];
    workspace.call = call_scale(range_of(x, rows.rows));
    float* y = room_for(workspace.next, rows.rows * layer.stride());
    layer.dense({x.values, x.stride, rows.rows}, {y, layer.stride()}, workspace);
    x = {y, layer.stride(), layer.outputs()};
    std::swap(workspace.current, workspace.next);
  }
  copy_outputs(x, rows.rows, logits);
}

template <typename View>
void run_alone(const Layer& layer, bool is_first, std::size_t block, const View& rows,
               Matrix<float>* outputs, Workspace& workspace) {
  if (layer.wants_call_scale()) workspace.call = call_scale(range_of(rows));
  const std::size_t stride = layer.stride();
  in_even_parts(rows.rows, block, [&](std::size_t first, std::size_t count) {
    float* y = room_for(workspace.current, count * stride);
    if (is_first) {
      run_first(layer, rows, first, count, {y, stride}, workspace);
    } else {
      run_later(layer, rows, first, count, {y, stride}, workspace);
    }
    if (outputs != nullptr)
      copy_outputs({y, stride, layer.outputs()}, count, outputs->row(first).data());
  });
}

}  // namespace

struct PreparedMlp::Layers {
  explicit Layers(LayerList layers)
      : list(std::move(layers)),
        by_layer(std::ranges::any_of(list, [](const auto& l) { return l->wants_call_scale(); })),
        sparse_block(rows_of_a_block(list, 1)),
        dense_block(rows_of_a_block(list, 0)) {}

  std::size_t block_of(const SparseRowsView& /*rows*/) const { return sparse_block; }
  std::size_t block_of(const DenseRowsView& /*rows*/) const { return dense_block; }

  LayerList list;
  bool by_layer;  // some layer wants one scale for all rows of a call
  std::size_t sparse_block;
  std::size_t dense_block;
};

struct PreparedMlp::Scratch::State : Workspace {};

PreparedMlp::Scratch::Scratch() : state_(std::make_unique<State>()) {}
PreparedMlp::Scratch::~Scratch() = default;
PreparedMlp::Scratch::Scratch(Scratch&&) noexcept = default;
PreparedMlp::Scratch& PreparedMlp::Scratch::operator=(Scratch&&) noexcept = default;

PreparedMlp::PreparedMlp(Mlp mlp)
    : layers_(std::make_unique<Layers>(prepare_layers(std::move(mlp.layers)))) {}

PreparedMlp::PreparedMlp(QuantizedMlp mlp)
    : layers_(std::make_unique<Layers>(prepare_layers(std::move(mlp.layers)))) {}

PreparedMlp::~PreparedMlp() = default;
PreparedMlp::PreparedMlp(PreparedMlp&&) noexcept = default;
PreparedMlp& PreparedMlp::operator=(PreparedMlp&&) noexcept = default;

std::size_t PreparedMlp::inputs() const { return layers_->list.front()->inputs(); }
std::size_t PreparedMlp::outputs() const { return layers_->list.back()->outputs(); }
std::size_t PreparedMlp::layer_count() const { return layers_->list.size(); }

void PreparedMlp::logits(const RowsView& rows, std::span<float> logits, Scratch& scratch) const {
  require_columns(column_count(rows), inputs());
  assert(logits.size() == row_count(rows) * outputs());
  Workspace& workspace = *scratch.state_;
  std::visit(
      [&](const auto& view) {
        if (layers_->by_layer) {
          run_by_layer(layers_->list, view, logits.data(), workspace);
        } else {
          run_in_blocks(layers_->list, layers_->block_of(view), view, logits.data(), workspace);
        }
      },
      rows);
}

void PreparedMlp::run_layer(std::size_t layer, const RowsView& rows, Scratch& scratch,
                            Matrix<float>* outputs) const {
  const Layer& chosen = *layers_->list.at(layer);
  require_columns(column_count(rows), chosen.inputs());
  if (outputs != nullptr) *outputs = Matrix<float>(row_count(rows), chosen.outputs());
  std::visit(
      [&](const auto& view) {
        const std::size_t block = layer == 0 ? layers_->block_of(view) : layers_->sparse_block;
        run_alone(chosen, layer == 0, block, view, outputs, *scratch.state_);
      },
      rows);
}

}  // namespace nibble
