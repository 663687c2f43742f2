#include "nibble/kernels/train_backward.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "nibble/core/aligned.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/train_backward.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/adam-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// The rows where an input is not 0, in order, each with the input's value there.
struct ActiveRows {
  std::uint32_t* rows;
  float* values;
  std::size_t count;
};

ActiveRows active_rows(const BackwardLayer& layer, std::size_t k, std::uint32_t* rows,
                       float* values) {
  std::size_t count = 0;
  const float* x = layer.x + k;
  for (std::size_t r = 0; r < layer.rows; ++r, x += layer.x_stride) {
    rows[count] = static_cast<std::uint32_t>(r);
    values[count] = *x;
    count += static_cast<std::size_t>(*x != 0.0F);
  }
  return {rows, values, count};
}

// Four sums of lanes at once, into four places.
HWY_INLINE void store_sums(TrainVec a, TrainVec b, TrainVec c, TrainVec e, float* sums) {
#if HWY_TARGET == HWY_SCALAR
  sums[0] = hn::GetLane(a);
  sums[1] = hn::GetLane(b);
  sums[2] = hn::GetLane(c);
  sums[3] = hn::GetLane(e);
#else
  const TrainTag d;
  const TrainVec ac = hn::Add(hn::InterleaveLower(d, a, c), hn::InterleaveUpper(d, a, c));
  const TrainVec be = hn::Add(hn::InterleaveLower(d, b, e), hn::InterleaveUpper(d, b, e));
  // Every block of four lanes now holds a part of the sums of a, b, c and e.
  const TrainVec all = hn::Add(hn::InterleaveLower(d, ac, be), hn::InterleaveUpper(d, ac, be));
  const hn::Full128<float> quarter;
#if HWY_MAX_BYTES >= 64
  const hn::Full256<float> half;
  const auto two = hn::Add(hn::LowerHalf(half, all), hn::UpperHalf(half, all));
  hn::Store(hn::Add(hn::LowerHalf(quarter, two), hn::UpperHalf(quarter, two)), quarter, sums);
#elif HWY_MAX_BYTES >= 32
  hn::Store(hn::Add(hn::LowerHalf(quarter, all), hn::UpperHalf(quarter, all)), quarter, sums);
#else
  hn::Store(all, quarter, sums);
#endif
#endif
}

// Four rows: dw += x dy, and the products dy . w.
template <bool kWithDx>
HWY_INLINE void four_rows(const BackwardLayer& layer, const float* w, const std::uint32_t* rows,
                          const float* values, float* dw, float* dots) {
  const TrainTag d;
  const float* HWY_RESTRICT dy0 = layer.dy + rows[0] * layer.outputs;
  const float* HWY_RESTRICT dy1 = layer.dy + rows[1] * layer.outputs;
  const float* HWY_RESTRICT dy2 = layer.dy + rows[2] * layer.outputs;
  const float* HWY_RESTRICT dy3 = layer.dy + rows[3] * layer.outputs;
  const TrainVec x0 = hn::Set(d, values[0]);
  const TrainVec x1 = hn::Set(d, values[1]);
  const TrainVec x2 = hn::Set(d, values[2]);
  const TrainVec x3 = hn::Set(d, values[3]);
  TrainVec dot0 = hn::Zero(d);
  TrainVec dot1 = hn::Zero(d);
  TrainVec dot2 = hn::Zero(d);
  TrainVec dot3 = hn::Zero(d);
  for (std::size_t c = 0; c < layer.outputs; c += hn::Lanes(d)) {
    const TrainVec g0 = hn::Load(d, dy0 + c);
    const TrainVec g1 = hn::Load(d, dy1 + c);
    const TrainVec g2 = hn::Load(d, dy2 + c);
    const TrainVec g3 = hn::Load(d, dy3 + c);
    TrainVec sum = hn::MulAdd(x0, g0, hn::Load(d, dw + c));
    sum = hn::MulAdd(x1, g1, sum);
    sum = hn::MulAdd(x2, g2, sum);
    hn::Store(hn::MulAdd(x3, g3, sum), d, dw + c);
    if constexpr (kWithDx) {
      const TrainVec weights = hn::Load(d, w + c);
      dot0 = hn::MulAdd(g0, weights, dot0);
      dot1 = hn::MulAdd(g1, weights, dot1);
      dot2 = hn::MulAdd(g2, weights, dot2);
      dot3 = hn::MulAdd(g3, weights, dot3);
    }
  }
  if constexpr (kWithDx) store_sums(dot0, dot1, dot2, dot3, dots);
}

// Fills the list up to a multiple of four with a row times 0, which changes no sum.
std::size_t pad_to_four(ActiveRows& active) {
  const std::size_t count = active.count;
  while (active.count % 4 != 0) {
    active.rows[active.count] = active.rows[0];
    active.values[active.count] = 0.0F;
    ++active.count;
  }
  return count;
}

class Scratch {
 public:
  Scratch(std::size_t row_count, std::size_t output_count)
      : floats_(output_count + (kBackwardInputs + 1) * row_count + 8), words_(row_count + 4) {
    dw = floats_.data();
    dx = dw + output_count;
    values = dx + kBackwardInputs * row_count;
    rows = words_.data();
  }
  float* dw;            // outputs
  float* dx;            // rows x kBackwardInputs
  float* values;        // rows + 4
  std::uint32_t* rows;  // rows + 4

 private:
  AlignedVector<float> floats_;
  AlignedVector<std::uint32_t> words_;
};

template <bool kWithDx>
void one_input(const BackwardLayer& layer, const AdamVectors& adam, std::size_t k, Scratch& s) {
  const TrainTag d;
  ActiveRows active = active_rows(layer, k, s.rows, s.values);
  const std::size_t count = pad_to_four(active);
  std::fill_n(s.dw, layer.outputs, 0.0F);
  float* w = layer.w + k * layer.outputs;
  for (std::size_t i = 0; i < active.count; i += 4) {
    alignas(16) float dots[4];
    four_rows<kWithDx>(layer, w, active.rows + i, active.values + i, s.dw, dots);
    if constexpr (kWithDx) {
      for (std::size_t j = 0; j < 4 && i + j < count; ++j)
        s.dx[active.rows[i + j] * kBackwardInputs + k % kBackwardInputs] = dots[j] * layer.dx_scale;
    }
  }
  float* m = layer.m + k * layer.outputs;
  float* v = layer.v + k * layer.outputs;
  for (std::size_t c = 0; c < layer.outputs; c += hn::Lanes(d))
    adam_vector(adam, hn::Load(d, s.dw + c), w + c, m + c, v + c);
}

void write_dx(const BackwardLayer& layer, std::size_t first, const float* dx) {
  for (std::size_t r = 0; r < layer.rows; ++r)
    std::copy_n(dx + r * kBackwardInputs, kBackwardInputs, layer.dx + r * layer.x_stride + first);
}

template <bool kWithDx>
void inputs_range(const BackwardLayer& layer, const AdamStep& step, std::size_t first,
                  std::size_t count) {
  const AdamVectors adam(step);
  Scratch scratch(layer.rows, layer.outputs);
  for (std::size_t block = first; block < first + count; block += kBackwardInputs) {
    const std::size_t end = std::min(first + count, block + kBackwardInputs);
    if constexpr (kWithDx) std::fill_n(scratch.dx, layer.rows * kBackwardInputs, 0.0F);
    for (std::size_t k = block; k < end; ++k) one_input<kWithDx>(layer, adam, k, scratch);
    if constexpr (kWithDx) write_dx(layer, block, scratch.dx);
  }
}

void backward(const BackwardLayer& layer, const AdamStep& step, std::size_t first,
              std::size_t count) {
  if (layer.dx != nullptr) {
    inputs_range<true>(layer, step, first, count);
  } else {
    inputs_range<false>(layer, step, first, count);
  }
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

HWY_EXPORT(backward);

}  // namespace

void train_backward(const BackwardLayer& layer, const AdamStep& step, std::size_t first,
                    std::size_t count) {
  assert(first % kBackwardInputs == 0 && layer.outputs % kTrainLanes == 0);
  HWY_DYNAMIC_DISPATCH(backward)(layer, step, first, count);
}

}  // namespace nibble
#endif
