// Single kernels: dense rows times a matrix, the sizes where peers are compared.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench.h"

#include "nibble/core/aligned.h"
#include "nibble/kernels/bf16_dense.h"
#include "nibble/kernels/float_dense.h"
#include "nibble/kernels/float_sparse.h"
#include "nibble/kernels/int4_dense.h"
#include "nibble/kernels/int4_sparse.h"
#include "nibble/kernels/int8_dense.h"
#include "nibble/kernels/int8_sparse.h"
#include "nibble/kernels/row_quantize.h"

namespace nibble {
namespace {

struct Shape {
  std::size_t rows;
  std::size_t inputs;
  std::size_t outputs;
};

// Operands of every kind for one shape. The numbers do not matter for the time.
class Operands {
 public:
  explicit Operands(const Shape& shape)
      : shape_(shape),
        x_(shape.rows, shape.inputs),
        bytes_(shape.rows * round_up(shape.inputs, 64), 3),
        scales_(shape.rows),
        bias_(padded_outputs(shape.outputs)),
        y_(shape.rows, padded_outputs(shape.outputs)) {
    std::ranges::fill(x_.values, 1.0F);  // a single row would skip zeros
  }

  FloatRows floats() const { return {x_.values.data(), shape_.inputs, shape_.rows}; }
  QuantizedRows bytes() const {
    return {bytes_.data(), round_up(shape_.inputs, 64), shape_.rows, scales_.data()};
  }
  Finish finish() const { return {bias_.data(), true}; }
  OutputRows outputs() { return {y_.values.data(), y_.columns}; }

 private:
  Shape shape_;
  Matrix<float> x_;
  AlignedVector<std::uint8_t> bytes_;
  std::vector<RowScale> scales_;
  AlignedVector<float> bias_;
  Matrix<float> y_;
};

void count_operations(benchmark::State& state, const Shape& shape) {
  state.counters["ops_per_ns"] =
      benchmark::Counter(2e-9 * static_cast<double>(shape.rows * shape.inputs * shape.outputs),
                         benchmark::Counter::kIsIterationInvariantRate);
}

void dense_f32(benchmark::State& state, Shape shape) {
  Operands operands(shape);
  const F32Panels weights = pack_f32_panels(view_of(Matrix<float>(shape.inputs, shape.outputs)));
  for (auto step : state)
    f32_dense(operands.floats(), weights, operands.finish(), operands.outputs());
  count_operations(state, shape);
}

void dense_f16(benchmark::State& state, Shape shape) {
  Operands operands(shape);
  const F16Panels weights =
      pack_f16_panels(view_of(Matrix<std::uint16_t>(shape.inputs, shape.outputs)));
  AlignedVector<std::uint32_t> workspace(f16_dense_workspace(shape.rows, shape.inputs));
  for (auto step : state)
    f16_dense(operands.floats(), weights, operands.finish(), operands.outputs(), workspace.data());
  count_operations(state, shape);
}

void dense_bf16(benchmark::State& state, Shape shape) {
  Operands operands(shape);
  const Bf16Panels weights =
      pack_bf16_panels(view_of(Matrix<std::uint16_t>(shape.inputs, shape.outputs)));
  AlignedVector<std::uint32_t> workspace(bf16_dense_workspace(shape.rows, shape.inputs));
  for (auto step : state)
    bf16_dense(operands.floats(), weights, operands.finish(), operands.outputs(), workspace.data());
  count_operations(state, shape);
}

void dense_int8(benchmark::State& state, Shape shape) {
  Operands operands(shape);
  const Int8Panels weights =
      pack_int8_panels(view_of(Matrix<std::int8_t>(shape.inputs, shape.outputs)),
                       std::vector<float>(shape.outputs, 1.0F));
  AlignedVector<std::uint32_t> workspace(int8_dense_workspace(shape.rows, shape.inputs));
  for (auto step : state)
    int8_dense(operands.bytes(), weights, operands.finish(), operands.outputs(), workspace.data());
  count_operations(state, shape);
}

void dense_int4(benchmark::State& state, Shape shape) {
  Operands operands(shape);
  const Matrix<std::uint8_t> codes(shape.inputs, (shape.outputs + 1) / 2);
  const Matrix<std::uint16_t> scales(round_up(shape.inputs, kGroup) / kGroup, shape.outputs);
  const Int4Panels weights = pack_int4_panels(
      {codes.values.data(), scales.values.data(), shape.inputs, shape.outputs}, false);
  std::vector<std::int32_t> workspace(int4_dense_workspace(shape.rows, shape.inputs));
  for (auto step : state)
    int4_dense(operands.bytes(), weights, operands.finish(), operands.outputs(), workspace.data());
  count_operations(state, shape);
}

// The first layer of the reference network: 14 rows of 512, drawn from 1000.
constexpr std::size_t kWords = 14;
struct Bag {
  std::array<std::uint32_t, kWords> columns;
  std::array<float, kWords> values;
  std::array<std::uint8_t, 64> bytes;
};
std::vector<Bag> bags() {
  std::vector<Bag> result(64);
  for (std::size_t b = 0; b < result.size(); ++b) {
    result[b].values.fill(1.0F);
    result[b].bytes.fill(1);
    for (std::size_t i = 0; i < kWords; ++i)
      result[b].columns[i] = static_cast<std::uint32_t>(i * 70 + (b * 37 + i * 11) % 70);
  }
  return result;
}

template <typename Run>
void sparse(benchmark::State& state, Run run) {
  const std::vector<Bag> all = bags();
  std::size_t next = 0;
  for (auto step : state) run(all[next++ % all.size()]);
}

void sparse_layers(const std::string& name, void (*bench)(benchmark::State&)) {
  repeated(benchmark::RegisterBenchmark(("sparse/" + name).c_str(), bench));
}

constexpr std::size_t kFeatures = 1000;
constexpr std::size_t kOutputs = 512;
struct Answer {
  AlignedVector<float> bias = AlignedVector<float>(kOutputs);
  AlignedVector<float> scales = AlignedVector<float>(kOutputs, 1.0F);
  AlignedVector<float> y = AlignedVector<float>(kOutputs);
  Finish finish() const { return {bias.data(), true}; }
};

void sparse_f32(benchmark::State& state) {
  Answer answer;
  const auto weights = pack_gathered(Matrix<float>(kFeatures, kOutputs));
  sparse(state, [&](const Bag& bag) {
    f32_sparse({bag.columns.data(), bag.values.data(), kWords}, weights, answer.finish(),
               answer.y.data());
  });
}
void sparse_f16(benchmark::State& state) {
  Answer answer;
  const auto weights = pack_gathered(Matrix<std::uint16_t>(kFeatures, kOutputs));
  sparse(state, [&](const Bag& bag) {
    f16_sparse({bag.columns.data(), bag.values.data(), kWords}, weights, answer.finish(),
               answer.y.data());
  });
}
void sparse_bf16(benchmark::State& state) {
  Answer answer;
  const auto weights = pack_gathered(Matrix<std::uint16_t>(kFeatures, kOutputs));
  sparse(state, [&](const Bag& bag) {
    bf16_sparse({bag.columns.data(), bag.values.data(), kWords}, weights, answer.finish(),
                answer.y.data());
  });
}
void sparse_int8(benchmark::State& state) {
  Answer answer;
  const auto weights = pack_gathered(Matrix<std::int8_t>(kFeatures, kOutputs));
  sparse(state, [&](const Bag& bag) {
    int8_sparse({bag.columns.data(), bag.bytes.data(), kWords, {}}, weights, answer.scales.data(),
                answer.finish(), answer.y.data());
  });
}
void sparse_int4(benchmark::State& state) {
  Answer answer;
  const Matrix<std::uint8_t> codes(kFeatures, kOutputs / 2);
  const Matrix<std::uint16_t> scales(kFeatures, kOutputs / kGroup);
  const auto weights =
      pack_int4_gathered({codes.values.data(), scales.values.data(), kFeatures, kOutputs});
  sparse(state, [&](const Bag& bag) {
    int4_sparse({bag.columns.data(), bag.bytes.data(), kWords, {}}, weights, answer.finish(),
                answer.y.data());
  });
}

void quantize_512(benchmark::State& state) {
  AlignedVector<float> values(512);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.37F;
  AlignedVector<std::uint8_t> bytes(512);
  RowScale scale;
  for (auto step : state) {
    quantize_rows({values.data(), 512, 1}, values.size(), bytes.data(), &scale);
    benchmark::DoNotOptimize(scale);
  }
}

void quantize_bag(benchmark::State& state) {
  const std::vector<float> counts(kWords, 1.0F);
  AlignedVector<std::uint8_t> bytes(64);
  RowScale scale;
  for (auto step : state) {
    quantize_rows({counts.data(), kWords, 1}, kWords, bytes.data(), &scale);
    benchmark::DoNotOptimize(scale);
  }
}

void scan_10000(benchmark::State& state) {
  AlignedVector<float> row(10000);
  for (std::size_t i = 0; i < row.size(); i += 700) row[i] = 1.0F;
  std::vector<std::uint32_t> columns(2500 + kNonZeroSlack);
  std::vector<float> values(2500 + kNonZeroSlack);
  for (auto step : state)
    benchmark::DoNotOptimize(
        find_non_zeros(row.data(), row.size(), 2500, columns.data(), values.data()));
}

const bool kRegistered = [] {
  const std::array<Shape, 13> shapes = {{{1, 512, 256},
                                         {6, 512, 256},
                                         {1, 784, 512},
                                         {6, 784, 512},
                                         {256, 784, 512},
                                         {1024, 784, 512},
                                         {1, 128, 64},
                                         {6, 128, 64},
                                         {6, 64, 2},
                                         {1, 64, 2},
                                         {1024, 1024, 1024},
                                         {1, 4096, 4096},
                                         {1, 10000, 512}}};
  for (const Shape& shape : shapes) {
    const std::string size = "/" + std::to_string(shape.rows) + "x" + std::to_string(shape.inputs) +
                             "x" + std::to_string(shape.outputs);
    repeated(benchmark::RegisterBenchmark(("dense_f32" + size).c_str(), dense_f32, shape));
    repeated(benchmark::RegisterBenchmark(("dense_f16" + size).c_str(), dense_f16, shape));
    repeated(benchmark::RegisterBenchmark(("dense_bf16" + size).c_str(), dense_bf16, shape));
    repeated(benchmark::RegisterBenchmark(("dense_int8" + size).c_str(), dense_int8, shape));
    repeated(benchmark::RegisterBenchmark(("dense_int4" + size).c_str(), dense_int4, shape));
  }
  sparse_layers("f32", sparse_f32);
  sparse_layers("f16", sparse_f16);
  sparse_layers("bf16", sparse_bf16);
  sparse_layers("int8", sparse_int8);
  sparse_layers("int4", sparse_int4);
  repeated(benchmark::RegisterBenchmark("quantize_row/512", quantize_512));
  repeated(benchmark::RegisterBenchmark("quantize_row/14", quantize_bag));
  repeated(benchmark::RegisterBenchmark("find_non_zeros/10000", scan_10000));
  return true;
}();

}  // namespace
}  // namespace nibble
