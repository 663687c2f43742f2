#include "nibble/kernels/train_forward.h"

#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/train_forward.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/adam-inl.h"
#include "nibble/kernels/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

struct Product {
  std::size_t inputs;
  std::size_t outputs;
  const float* x;
  std::size_t x_stride;
  const float* w;
  const float* bias;
  float* y;
};

// Inputs. A tile takes a strip of each row of weights, and the hardware does not see the next strip
// coming.
constexpr std::size_t kAhead = 8;

// Rows x Vectors outputs in registers.
template <std::size_t Rows, std::size_t Vectors>
HWY_INLINE void tile(const Product& p, std::size_t row, std::size_t column) {
  const TrainTag d;
  const std::size_t lanes = hn::Lanes(d);
  TrainVec sums[Rows][Vectors];
  for (std::size_t c = 0; c < Vectors; ++c) {
    const TrainVec start =
        p.bias == nullptr ? hn::Zero(d) : hn::Load(d, p.bias + column + c * lanes);
    for (std::size_t r = 0; r < Rows; ++r) sums[r][c] = start;
  }
  const float* HWY_RESTRICT x = p.x + row * p.x_stride;
  const float* HWY_RESTRICT w = p.w + column;
  for (std::size_t k = 0; k < p.inputs; ++k, w += p.outputs) {
    if (HWY_MAX_BYTES < 64) __builtin_prefetch(w + kAhead * p.outputs);
    TrainVec weights[Vectors];
    for (std::size_t c = 0; c < Vectors; ++c) weights[c] = hn::Load(d, w + c * lanes);
    for (std::size_t r = 0; r < Rows; ++r) {
      const TrainVec input = hn::Set(d, x[r * p.x_stride + k]);
      for (std::size_t c = 0; c < Vectors; ++c)
        sums[r][c] = hn::MulAdd(input, weights[c], sums[r][c]);
    }
  }
  for (std::size_t r = 0; r < Rows; ++r) {
    for (std::size_t c = 0; c < Vectors; ++c)
      hn::Store(sums[r][c], d, p.y + (row + r) * p.outputs + column + c * lanes);
  }
}

template <std::size_t Rows>
void row_strip(const Product& p, std::size_t row) {
  const std::size_t lanes = hn::Lanes(TrainTag());
  std::size_t column = 0;
  for (; column + 2 * lanes <= p.outputs; column += 2 * lanes) tile<Rows, 2>(p, row, column);
  if (column < p.outputs) tile<Rows, 1>(p, row, column);
}

void forward(std::size_t rows, std::size_t inputs, std::size_t outputs, const float* x,
             std::size_t x_stride, const float* w, const float* bias, float* y) {
  const Product p{inputs, outputs, x, x_stride, w, bias, y};
  // 16 sums and 2 weights need the 32 registers of AVX-512; 12 and 2 fit into 16.
  constexpr std::size_t kRows = HWY_MAX_BYTES >= 64 ? 8 : 6;
  std::size_t row = 0;
  for (; row + kRows <= rows; row += kRows) row_strip<kRows>(p, row);
  for (; row + 2 <= rows; row += 2) row_strip<2>(p, row);
  if (row < rows) row_strip<1>(p, row);
}

void sum_parts(std::size_t rows, std::size_t outputs, std::size_t parts, const float* part,
               std::size_t part_stride, const float* bias, float* y) {
  const TrainTag d;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < outputs; c += hn::Lanes(d)) {
      const std::size_t at = r * outputs + c;
      TrainVec sum = hn::Load(d, bias + c);
      for (std::size_t i = 0; i < parts; ++i)
        sum = hn::Add(sum, hn::Load(d, part + i * part_stride + at));
      hn::Store(sum, d, y + at);
    }
  }
}

// As many sums as fit in registers: each pass over the row's indices adds up `Vectors` vectors.
template <std::size_t Vectors>
HWY_INLINE void sum_columns(std::size_t count, const std::uint32_t* indices, const float* values,
                            const float* w, std::size_t w_stride, const float* bias, float* y) {
  const TrainTag d;
  const std::size_t lanes = hn::Lanes(d);
  TrainVec sums[Vectors];
  for (std::size_t c = 0; c < Vectors; ++c) sums[c] = hn::Load(d, bias + c * lanes);
  for (std::size_t i = 0; i < count; ++i) {
    const TrainVec value = hn::Set(d, values[i]);
    const float* row = w + indices[i] * w_stride;
    for (std::size_t c = 0; c < Vectors; ++c)
      sums[c] = hn::MulAdd(value, hn::Load(d, row + c * lanes), sums[c]);
  }
  for (std::size_t c = 0; c < Vectors; ++c) hn::Store(sums[c], d, y + c * lanes);
}

void sum_rows(std::size_t count, const std::uint32_t* indices, const float* values,
              std::size_t outputs, const float* w, std::size_t w_stride, const float* bias,
              float* y) {
  const std::size_t lanes = hn::Lanes(TrainTag());
  std::size_t column = 0;
  for (; column + 8 * lanes <= outputs; column += 8 * lanes)
    sum_columns<8>(count, indices, values, w + column, w_stride, bias + column, y + column);
  for (; column < outputs; column += lanes)
    sum_columns<1>(count, indices, values, w + column, w_stride, bias + column, y + column);
}

// The zero comes first: of a NaN and a number, x86's max gives its second operand.
HWY_INLINE TrainVec relu_vector(TrainVec y) { return hn::Max(hn::Zero(TrainTag()), y); }

void relu(std::size_t count, float* y) {
  const TrainTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d))
    hn::Store(relu_vector(hn::Load(d, y + i)), d, y + i);
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(forward);
NIBBLE_EXPORT(sum_parts);
NIBBLE_EXPORT(sum_rows);
NIBBLE_EXPORT(relu);

}  // namespace

void train_forward(std::size_t rows, std::size_t inputs, std::size_t outputs, const float* x,
                   std::size_t x_stride, const float* w, const float* bias, float* y) {
  assert(outputs % kTrainLanes == 0);
  NIBBLE_DISPATCH(forward)(rows, inputs, outputs, x, x_stride, w, bias, y);
}

void train_sum_parts(std::size_t rows, std::size_t outputs, std::size_t parts, const float* part,
                     std::size_t part_stride, const float* bias, float* y) {
  assert(outputs % kTrainLanes == 0 && part_stride % kTrainLanes == 0);
  NIBBLE_DISPATCH(sum_parts)(rows, outputs, parts, part, part_stride, bias, y);
}

void train_sum_rows(std::size_t count, const std::uint32_t* indices, const float* values,
                    std::size_t outputs, const float* w, std::size_t w_stride, const float* bias,
                    float* y) {
  assert(outputs % kTrainLanes == 0 && w_stride % kTrainLanes == 0);
  NIBBLE_DISPATCH(sum_rows)(count, indices, values, outputs, w, w_stride, bias, y);
}

void train_relu(std::size_t count, float* y) {
  assert(count % kTrainLanes == 0);
  NIBBLE_DISPATCH(relu)(count, y);
}

}  // namespace nibble
#endif
