// An optimizer's arithmetic on one vector, as a rule that kernels are made with. Included once per
// CPU level, hence the guard that toggles.
#if defined(NIBBLE_KERNELS_OPTIMIZER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_KERNELS_OPTIMIZER_INL_H_
#undef NIBBLE_KERNELS_OPTIMIZER_INL_H_
#else
#define NIBBLE_KERNELS_OPTIMIZER_INL_H_
#endif

#include "hwy/highway.h"

#include "nibble/kernels/adam-inl.h"
#include "nibble/kernels/optimizer.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {

// Rules: take(g, w, m, v) moves one vector of weights by its gradient.
template <bool kFalls>
struct AdamRule {
  explicit AdamRule(const AdamStep& step) : adam(step) {}
  HWY_INLINE void take(TrainVec g, float* w, float* m, float* v) const {
    adam_vector<kFalls>(adam, g, w, m, v);
  }
  AdamVectors adam;
};

struct CoupledAdamRule {
  explicit CoupledAdamRule(const CoupledAdamStep& step)
      : adam(step.adam),
        clip(hn::Set(TrainTag(), step.clip)),
        decay(hn::Set(TrainTag(), step.decay)) {}
  HWY_INLINE void take(TrainVec g, float* w, float* m, float* v) const {
    const TrainVec decayed = hn::MulAdd(decay, hn::Load(TrainTag(), w), hn::Mul(clip, g));
    adam_vector<false>(adam, decayed, w, m, v);
  }
  AdamVectors adam;
  TrainVec clip, decay;
};

struct SgdRule {
  explicit SgdRule(const SgdStep& step)
      : momentum(hn::Set(TrainTag(), step.momentum)),
        clip(hn::Set(TrainTag(), step.clip)),
        decay(hn::Set(TrainTag(), step.decay)),
        rate(hn::Set(TrainTag(), step.rate)) {}
  HWY_INLINE void take(TrainVec g, float* w, float* m, float* /*v*/) const {
    const TrainTag d;
    const TrainVec old = hn::Load(d, w);
    const TrainVec decayed = hn::MulAdd(decay, old, hn::Mul(clip, g));
    const TrainVec buffer = hn::MulAdd(momentum, hn::Load(d, m), decayed);
    hn::Store(buffer, d, m);
    hn::Store(hn::NegMulAdd(rate, buffer, old), d, w);
  }
  TrainVec momentum, clip, decay, rate;
};

// Calls work(rule) with the rule of this step.
template <typename Work>
HWY_INLINE void with_rule(const OptimizerStep& step, const Work& work) {
  const auto* adam = std::get_if<AdamStep>(&step);
  if (adam != nullptr && adam->fall == 0.0F) {
    work(AdamRule<false>(*adam));
  } else if (adam != nullptr) {
    work(AdamRule<true>(*adam));
  } else if (const auto* coupled = std::get_if<CoupledAdamStep>(&step)) {
    work(CoupledAdamRule(*coupled));
  } else {
    work(SgdRule(*std::get_if<SgdStep>(&step)));
  }
}

}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
