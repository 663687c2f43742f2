#include "nibble/kernels/optimizer.h"

#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/optimizer.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/optimizer-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

void bias_step(const OptimizerStep& step, std::size_t rows, std::size_t count, const float* dy,
               std::size_t stride, float* bias, float* m, float* v) {
  with_rule(step, [&](const auto& rule) HWY_ATTR {
    const TrainTag d;
    for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
      TrainVec sum = hn::Zero(d);
      for (std::size_t r = 0; r < rows; ++r) sum = hn::Add(sum, hn::Load(d, dy + r * stride + i));
      rule.take(sum, bias + i, m + i, v + i);
    }
  });
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(bias_step);

}  // namespace

void update_bias(const OptimizerStep& step, std::size_t rows, std::size_t count, const float* dy,
                 std::size_t stride, float* bias, float* m, float* v) {
  assert(count % kTrainLanes == 0 && stride % kTrainLanes == 0);
  NIBBLE_DISPATCH(bias_step)(step, rows, count, dy, stride, bias, m, v);
}

}  // namespace nibble
#endif
