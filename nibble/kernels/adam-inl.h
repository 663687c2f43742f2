// Adam's arithmetic on one vector, for every kernel that updates weights. Included once per CPU
// level, hence the guard that toggles.
#if defined(NIBBLE_KERNELS_ADAM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_KERNELS_ADAM_INL_H_
#undef NIBBLE_KERNELS_ADAM_INL_H_
#else
#define NIBBLE_KERNELS_ADAM_INL_H_
#endif

#include "hwy/highway.h"

#include "nibble/kernels/adam.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using TrainTag = hn::CappedTag<float, kTrainLanes>;
using TrainVec = hn::Vec<TrainTag>;

struct AdamVectors {
  explicit AdamVectors(const AdamStep& step)
      : keep_m(hn::Set(TrainTag(), step.keep_m)),
        take_m(hn::Set(TrainTag(), step.take_m)),
        keep_v(hn::Set(TrainTag(), step.keep_v)),
        take_v(hn::Set(TrainTag(), step.take_v)),
        rate(hn::Set(TrainTag(), step.rate)),
        epsilon(hn::Set(TrainTag(), step.epsilon)),
        fall(hn::Set(TrainTag(), step.fall)) {}
  TrainVec keep_m, take_m, keep_v, take_v, rate, epsilon, fall;
};

// The moments at m and v take in gradient g.
HWY_INLINE void take_gradient(TrainVec keep_m, TrainVec take_m, TrainVec keep_v, TrainVec take_v,
                              TrainVec g, float* HWY_RESTRICT m, float* HWY_RESTRICT v) {
  const TrainTag d;
  const TrainVec kept_m = hn::Mul(keep_m, hn::Load(d, m));
  const TrainVec kept_v = hn::Mul(keep_v, hn::Load(d, v));
  hn::Store(hn::MulAdd(take_m, g, kept_m), d, m);
  hn::Store(hn::MulAdd(hn::Mul(take_v, g), g, kept_v), d, v);
}

// 1 / (sqrt(v) + epsilon). Exact root and division: the divider works beside the multipliers, which
// the kernels keep busy; estimates with Newton steps gained nothing on Zen 4.
HWY_INLINE TrainVec inverse_root(TrainVec v, TrainVec epsilon) {
  return hn::Div(hn::Set(TrainTag(), 1.0F), hn::Add(hn::Sqrt(v), epsilon));
}

// kFalls: the step has a decay (AdamStep::fall is not 0).
template <bool kFalls>
HWY_INLINE void adam_vector(const AdamVectors& a, TrainVec g, float* HWY_RESTRICT w,
                            float* HWY_RESTRICT m, float* HWY_RESTRICT v) {
  const TrainTag d;
  const TrainVec new_m = hn::MulAdd(a.take_m, g, hn::Mul(a.keep_m, hn::Load(d, m)));
  const TrainVec new_v = hn::MulAdd(hn::Mul(a.take_v, g), g, hn::Mul(a.keep_v, hn::Load(d, v)));
  hn::Store(new_m, d, m);
  hn::Store(new_v, d, v);
  const TrainVec pace = hn::Mul(a.rate, new_m);
  TrainVec old = hn::Load(d, w);
  if constexpr (kFalls) old = hn::NegMulAdd(a.fall, old, old);
  hn::Store(hn::NegMulAdd(pace, inverse_root(new_v, a.epsilon), old), d, w);
}

}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
