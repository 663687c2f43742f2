#include "nibble/measure/floor.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace nibble {
namespace {

// Non-zeros of a batch: how many, and in how many different columns.
struct NonZeros {
  std::size_t count = 0;
  std::size_t columns = 0;
};

class ColumnSet {
 public:
  explicit ColumnSet(std::size_t columns) : seen_(columns) {}
  void add(std::size_t column) {
    ++found_.count;
    if (!seen_[column]) ++found_.columns;
    seen_[column] = true;
  }
  NonZeros found() const { return found_; }

 private:
  std::vector<bool> seen_;
  NonZeros found_;
};

NonZeros count_non_zeros(const SparseRowsView& rows) {
  ColumnSet set(rows.columns);
  for (std::size_t row = 0; row < rows.rows; ++row) {
    for (const std::uint32_t column : rows.row_indices(row)) set.add(column);
  }
  return set.found();
}

NonZeros count_non_zeros(const DenseRowsView& rows) {
  ColumnSet set(rows.columns);
  for (std::size_t row = 0; row < rows.rows; ++row) {
    for (std::size_t column = 0; column < rows.columns; ++column) {
      if (rows.row(row)[column] != 0.0F) set.add(column);
    }
  }
  return set.found();
}

std::size_t input_bytes(const SparseRowsView& rows) {
  return (rows.offsets[rows.rows] - rows.offsets[0]) * (sizeof(std::uint32_t) + sizeof(float));
}

std::size_t input_bytes(const DenseRowsView& rows) {
  return rows.rows * rows.columns * sizeof(float);
}

double active_share(const LayerLoad& layer, double batch) {
  return batch == 1.0 ? layer.active : 1.0;
}
double operations(const LayerLoad& layer, double batch) {
  return 2.0 * batch * active_share(layer, batch) *
         static_cast<double>(layer.summary.multiply_adds);
}
double weight_bytes(const LayerLoad& layer, double batch) {
  return active_share(layer, batch) * static_cast<double>(layer.summary.bytes);
}

CallWork call_work(const std::vector<LayerLoad>& layers, const RowsView& rows) {
  const auto batch = static_cast<double>(row_count(rows));
  const LayerSummary& first = layers.front().summary;
  const NonZeros non_zeros =
      std::visit([](const auto& some) { return count_non_zeros(some); }, rows);
  CallWork work;
  work.operations = 2.0 * static_cast<double>(non_zeros.count * first.outputs);
  work.bytes =
      static_cast<double>(std::visit([](const auto& some) { return input_bytes(some); }, rows));
  work.bytes += static_cast<double>(first.bytes) * static_cast<double>(non_zeros.columns) /
                static_cast<double>(first.inputs);
  for (std::size_t i = 1; i < layers.size(); ++i) {
    work.operations += operations(layers[i], batch);
    work.bytes += weight_bytes(layers[i], batch);
  }
  return work;
}

double peak(Scheme scheme, const Ceilings& ceilings) {
  switch (scheme) {
    case Scheme::kInt8:
    case Scheme::kInt8Torch:
    case Scheme::kInt4:
    case Scheme::kMixed:  // the highest of its layers', so that the floor stays one
      return ceilings.byte_dot_gops;
    case Scheme::kBf16:
      return std::max(ceilings.bf16_gflops, ceilings.f32_gflops);
    case Scheme::kF32:
    case Scheme::kF16:
      break;
  }
  return ceilings.f32_gflops;
}

double bandwidth(double bytes, const CacheSizes& caches, const Ceilings& ceilings) {
  if (bytes <= static_cast<double>(caches.l1)) return ceilings.l1_gb_per_second;
  if (bytes <= static_cast<double>(caches.l2)) return ceilings.l2_gb_per_second;
  if (bytes <= static_cast<double>(caches.l3)) return ceilings.l3_gb_per_second;
  return ceilings.dram_gb_per_second;
}

// A rate of some threads, from those of one and of all: it grows in proportion, but no further than
// all together reach.
double scaled(double one, double all, std::size_t threads) {
  return std::max(one, std::min(static_cast<double>(threads) * one, all));
}

}  // namespace

std::vector<LayerLoad> layer_loads(const Model& model) {
  std::vector<LayerLoad> layers;
  for (LayerSummary& layer : summarize(model).layers) {
    if (!layer.encoding.empty()) layers.push_back({std::move(layer)});
  }
  return layers;
}

CallWork later_layer_work(const LayerLoad& layer, std::size_t batch) {
  const auto rows = static_cast<double>(batch);
  const auto inputs = static_cast<double>(batch * layer.summary.inputs * sizeof(float));
  return {operations(layer, rows), weight_bytes(layer, rows) + inputs};
}

CallWork mean_call_work(const std::vector<LayerLoad>& layers, const RowsView& rows,
                        std::size_t batch) {
  constexpr std::size_t kMostBatches = 64;
  const std::size_t batches = std::min(kMostBatches, row_count(rows) / batch);
  CallWork sum;
  for (std::size_t i = 0; i < batches; ++i) {
    const CallWork work = call_work(layers, slice(rows, i * batch, batch));
    sum.operations += work.operations;
    sum.bytes += work.bytes;
  }
  const auto count = static_cast<double>(batches);
  return {sum.operations / count, sum.bytes / count};
}

double floor_ns(const CallWork& work, Scheme scheme, const MachineCeilings& ceilings,
                std::size_t threads) {
  const double operations_per_ns =
      scaled(peak(scheme, ceilings.one_thread), peak(scheme, ceilings.all_threads), threads);
  const double bytes_per_ns =
      scaled(bandwidth(work.bytes, ceilings.caches, ceilings.one_thread),
             bandwidth(work.bytes, ceilings.caches, ceilings.all_threads), threads);
  return std::max(work.operations / operations_per_ns, work.bytes / bytes_per_ns);
}

}  // namespace nibble
