#include "nibble/kernels/adam.h"

#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/adam.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/adam-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

void update(const AdamStep& step, std::size_t count, const float* gradient, float* weights,
            float* m, float* v) {
  const TrainTag d;
  const AdamVectors adam(step);
  for (std::size_t i = 0; i < count; i += hn::Lanes(d))
    adam_vector(adam, hn::Load(d, gradient + i), weights + i, m + i, v + i);
}

void update_bias(const AdamStep& step, std::size_t rows, std::size_t count, const float* dy,
                 std::size_t stride, float* bias, float* m, float* v) {
  const TrainTag d;
  const AdamVectors adam(step);
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    TrainVec sum = hn::Zero(d);
    for (std::size_t r = 0; r < rows; ++r) sum = hn::Add(sum, hn::Load(d, dy + r * stride + i));
    adam_vector(adam, sum, bias + i, m + i, v + i);
  }
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

HWY_EXPORT(update);
HWY_EXPORT(update_bias);

}  // namespace

void adam_update(const AdamStep& step, std::size_t count, const float* gradient, float* weights,
                 float* m, float* v) {
  assert(count % kTrainLanes == 0);
  HWY_DYNAMIC_DISPATCH(update)(step, count, gradient, weights, m, v);
}

void adam_update_bias(const AdamStep& step, std::size_t rows, std::size_t count, const float* dy,
                      std::size_t stride, float* bias, float* m, float* v) {
  assert(count % kTrainLanes == 0 && stride % kTrainLanes == 0);
  HWY_DYNAMIC_DISPATCH(update_bias)(step, rows, count, dy, stride, bias, m, v);
}

}  // namespace nibble
#endif
