#include "nibble/kernels/gradient_square.h"

#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/gradient_square.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/train_sparse-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

double sum_of(TrainVec squares) {
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(TrainTag(), squares)));
}

double bias_square(std::size_t rows, std::size_t count, const float* dy, std::size_t stride) {
  const TrainTag d;
  TrainVec squares = hn::Zero(d);
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    TrainVec sum = hn::Zero(d);
    for (std::size_t r = 0; r < rows; ++r) sum = hn::Add(sum, hn::Load(d, dy + r * stride + i));
    squares = hn::MulAdd(sum, sum, squares);
  }
  return sum_of(squares);
}

double sparse_square(const SparseBatch& batch, const ColumnBlock& block, const float* dy,
                     std::size_t stride) {
  double total = 0.0;
  for (std::size_t t = 0; t < batch.touched_count; ++t) {
    for_each_piece(block.columns, [&](auto vectors, std::size_t column) HWY_ATTR {
      TrainVec g[vectors];
      gradient_piece<vectors>(batch, batch.touched[t], dy + column, stride, g);
      TrainVec squares = hn::Mul(g[0], g[0]);
      for (std::size_t i = 1; i < vectors; ++i) squares = hn::MulAdd(g[i], g[i], squares);
      total += sum_of(squares);
    });
  }
  return total;
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(bias_square);
NIBBLE_EXPORT(sparse_square);

}  // namespace

double bias_gradient_square(std::size_t rows, std::size_t count, const float* dy,
                            std::size_t stride) {
  assert(count % kTrainLanes == 0 && stride % kTrainLanes == 0);
  return NIBBLE_DISPATCH(bias_square)(rows, count, dy, stride);
}

double sparse_gradient_square(const SparseBatch& batch, const ColumnBlock& block, const float* dy,
                              std::size_t stride) {
  assert(block.columns % kTrainLanes == 0 && stride % kTrainLanes == 0);
  return NIBBLE_DISPATCH(sparse_square)(batch, block, dy, stride);
}

}  // namespace nibble
#endif
