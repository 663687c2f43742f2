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

#include "nibble/kernels/dispatch.h"
#include "nibble/kernels/optimizer-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

constexpr std::size_t kRowGroup = 4;   // rows worked together
constexpr std::size_t kRowChunk = 64;  // rows whose bits fill a word

// Bit k of word r: input k of the block is not 0 in row r. `words` is padded to whole chunks.
void mark_active(const BackwardLayer& layer, std::size_t block, std::uint16_t* words) {
  const TrainTag d;
  const float* x = layer.x + block;
  for (std::size_t r = 0; r < layer.rows; ++r, x += layer.x_stride) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < kBackwardInputs; i += hn::Lanes(d)) {
      std::uint8_t part[8] = {};
      hn::StoreMaskBits(d, hn::Ne(hn::Load(d, x + i), hn::Zero(d)), part);
      bits |= (part[0] | static_cast<std::uint32_t>(part[1]) << 8) << i;
    }
    words[r] = static_cast<std::uint16_t>(bits);
  }
}

// Bit r: input k of the block is not 0 in row r of the chunk; there are `rows` more rows.
HWY_INLINE std::uint64_t active_in_chunk(const std::uint16_t* words, std::size_t rows,
                                         std::size_t k) {
  const hn::CappedTag<std::uint16_t, 32> d;
  const auto bit = hn::Set(d, static_cast<std::uint16_t>(1U << k));
  std::uint64_t chunk = 0;
  for (std::size_t r = 0; r < std::min(rows, kRowChunk); r += hn::Lanes(d)) {
    std::uint64_t part = 0;
    hn::StoreMaskBits(d, hn::TestBit(hn::Load(d, words + r), bit),
                      reinterpret_cast<std::uint8_t*>(&part));
    chunk |= part << r;
  }
  return chunk;
}

// Writes the rows where input k is not 0, in order, and returns their number.
std::size_t active_rows(const BackwardLayer& layer, std::size_t k, const std::uint16_t* words,
                        std::uint32_t* rows) {
  std::size_t count = 0;
  for (std::size_t first = 0; first < layer.rows; first += kRowChunk) {
    std::uint64_t bits = active_in_chunk(words + first, layer.rows - first, k % kBackwardInputs);
    for (; bits != 0; bits &= bits - 1)
      rows[count++] =
          static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(__builtin_ctzll(bits));
  }
  return count;
}

// Four sums of lanes at once, each times `scale`, into four places.
HWY_INLINE void store_sums(TrainVec a, TrainVec b, TrainVec c, TrainVec e, float scale,
                           float* sums) {
#if HWY_TARGET == HWY_SCALAR
  sums[0] = hn::GetLane(a) * scale;
  sums[1] = hn::GetLane(b) * scale;
  sums[2] = hn::GetLane(c) * scale;
  sums[3] = hn::GetLane(e) * scale;
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
  const auto one = hn::Add(hn::LowerHalf(quarter, two), hn::UpperHalf(quarter, two));
#elif HWY_MAX_BYTES >= 32
  const auto one = hn::Add(hn::LowerHalf(quarter, all), hn::UpperHalf(quarter, all));
#else
  const auto one = all;
#endif
  hn::Store(hn::Mul(one, hn::Set(quarter, scale)), quarter, sums);
#endif
}

// What is wanted of a layer.
enum class Want { kInputs, kWeights, kBoth };
constexpr bool wants_inputs(Want want) { return want != Want::kWeights; }
constexpr bool wants_weights(Want want) { return want != Want::kInputs; }

// kRows rows (at most kRowGroup): dw += x dy (kFirst: dw = x dy), and the products dy . w.
template <Want kWant, bool kFirst, std::size_t kRows>
HWY_INLINE void row_group(const BackwardLayer& layer, std::size_t k, const std::uint32_t* rows,
                          float* dw, float* dots) {
  const TrainTag d;
  // Through the reference it would be loaded again after every store.
  const std::size_t outputs = layer.outputs;
  const float* w = layer.w + k * outputs;
  const float* dy[kRows];
  TrainVec x[kRows];
  TrainVec dot[kRowGroup] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  for (std::size_t r = 0; r < kRows; ++r) {
    dy[r] = layer.dy + rows[r] * outputs;
    x[r] = hn::Set(d, layer.x[rows[r] * layer.x_stride + k]);
  }
  for (std::size_t c = 0; c < outputs; c += hn::Lanes(d)) {
    TrainVec g[kRows];
    for (std::size_t r = 0; r < kRows; ++r) g[r] = hn::Load(d, dy[r] + c);
    if constexpr (wants_weights(kWant)) {
      TrainVec sum = kFirst ? hn::Mul(x[0], g[0]) : hn::MulAdd(x[0], g[0], hn::Load(d, dw + c));
      for (std::size_t r = 1; r < kRows; ++r) sum = hn::MulAdd(x[r], g[r], sum);
      hn::Store(sum, d, dw + c);
    }
    if constexpr (wants_inputs(kWant)) {
      const TrainVec weights = hn::Load(d, w + c);
      for (std::size_t r = 0; r < kRows; ++r) dot[r] = hn::MulAdd(g[r], weights, dot[r]);
    }
  }
  if constexpr (wants_inputs(kWant))
    store_sums(dot[0], dot[1], dot[2], dot[3], layer.dx_scale, dots);
}

class Scratch {
 public:
  Scratch(std::size_t row_count, std::size_t output_count)
      : floats_(output_count + kBackwardInputs * row_count),
        rows_(row_count),
        active_((row_count + kRowChunk - 1) / kRowChunk * kRowChunk) {
    dw = floats_.data();
    dx = dw + output_count;
    rows = rows_.data();
    active = active_.data();
  }
  float* dw;              // outputs
  float* dx;              // rows x kBackwardInputs
  std::uint32_t* rows;    // rows
  std::uint16_t* active;  // rows, padded to whole chunks

 private:
  AlignedVector<float> floats_;
  AlignedVector<std::uint32_t> rows_;
  AlignedVector<std::uint16_t> active_;
};

template <Want kWant, bool kFirst, std::size_t kRows>
HWY_INLINE void work_group(const BackwardLayer& layer, std::size_t k, const std::uint32_t* rows,
                           Scratch& s) {
  alignas(16) float dots[kRowGroup];
  row_group<kWant, kFirst, kRows>(layer, k, rows, s.dw, dots);
  if constexpr (wants_inputs(kWant)) {
    float* dx = s.dx + k % kBackwardInputs;
    for (std::size_t j = 0; j < kRows; ++j) dx[rows[j] * kBackwardInputs] = dots[j];
  }
}

// The first group is the small one, when the rows are no multiple of the group.
template <Want kWant>
HWY_INLINE void one_input(const BackwardLayer& layer, std::size_t k, Scratch& s) {
  const std::size_t count = active_rows(layer, k, s.active, s.rows);
  if (count == 0) {
    if constexpr (wants_weights(kWant)) std::fill_n(s.dw, layer.outputs, 0.0F);
    return;
  }
  switch (count % kRowGroup) {
    case 1:
      work_group<kWant, true, 1>(layer, k, s.rows, s);
      break;
    case 2:
      work_group<kWant, true, 2>(layer, k, s.rows, s);
      break;
    case 3:
      work_group<kWant, true, 3>(layer, k, s.rows, s);
      break;
    default:
      work_group<kWant, true, kRowGroup>(layer, k, s.rows, s);
      break;
  }
  for (std::size_t i = (count - 1) % kRowGroup + 1; i < count; i += kRowGroup)
    work_group<kWant, false, kRowGroup>(layer, k, s.rows + i, s);
}

// The rule is a copy: through a reference its vectors would be loaded again after every store.
template <typename Rule>
void update_weights(const BackwardLayer& layer, Rule rule, std::size_t k, const float* dw) {
  const TrainTag d;
  float* w = layer.w + k * layer.outputs;
  float* m = layer.m + k * layer.outputs;
  float* v = layer.v + k * layer.outputs;
  for (std::size_t c = 0; c < layer.outputs; c += hn::Lanes(d))
    rule.take(hn::Load(d, dw + c), w + c, m + c, v + c);
}

void write_dx(const BackwardLayer& layer, std::size_t first, const float* dx) {
  for (std::size_t r = 0; r < layer.rows; ++r)
    std::copy_n(dx + r * kBackwardInputs, kBackwardInputs, layer.dx + r * layer.x_stride + first);
}

// `finish(k, dw)` gets the gradient of each input's weights.
template <Want kWant, typename Finish>
void inputs_range(const BackwardLayer& layer, std::size_t first, std::size_t count,
                  const Finish& finish) {
  Scratch scratch(layer.rows, layer.outputs);
  for (std::size_t block = first; block < first + count; block += kBackwardInputs) {
    const std::size_t end = std::min(first + count, block + kBackwardInputs);
    mark_active(layer, block, scratch.active);
    if constexpr (wants_inputs(kWant)) std::fill_n(scratch.dx, layer.rows * kBackwardInputs, 0.0F);
    for (std::size_t k = block; k < end; ++k) {
      one_input<kWant>(layer, k, scratch);
      if constexpr (wants_weights(kWant)) finish(k, scratch.dw);
    }
    if constexpr (wants_inputs(kWant)) write_dx(layer, block, scratch.dx);
  }
}

template <typename Finish>
void weights_range(const BackwardLayer& layer, std::size_t first, std::size_t count,
                   const Finish& finish) {
  if (layer.dx != nullptr) {
    inputs_range<Want::kBoth>(layer, first, count, finish);
  } else {
    inputs_range<Want::kWeights>(layer, first, count, finish);
  }
}

void backward(const BackwardLayer& layer, const OptimizerStep& step, std::size_t first,
              std::size_t count) {
  with_rule(step, [&](const auto& rule) HWY_ATTR {
    weights_range(layer, first, count, [&](std::size_t k, const float* dw) HWY_ATTR {
      update_weights(layer, rule, k, dw);
    });
  });
}

double gradient_square(const BackwardLayer& layer, std::size_t first, std::size_t count) {
  double total = 0.0;
  weights_range(layer, first, count, [&](std::size_t /*k*/, const float* dw) HWY_ATTR {
    const TrainTag d;
    TrainVec squares = hn::Zero(d);
    for (std::size_t c = 0; c < layer.outputs; c += hn::Lanes(d)) {
      const TrainVec g = hn::Load(d, dw + c);
      squares = hn::MulAdd(g, g, squares);
    }
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, squares)));
  });
  return total;
}

void backward_inputs(const BackwardLayer& layer, std::size_t inputs) {
  inputs_range<Want::kInputs>(layer, 0, inputs, [](std::size_t /*k*/, const float* /*dw*/) {});
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

NIBBLE_EXPORT(backward);
NIBBLE_EXPORT(gradient_square);
NIBBLE_EXPORT(backward_inputs);

}  // namespace

void train_backward(const BackwardLayer& layer, const OptimizerStep& step, std::size_t first,
                    std::size_t count) {
  assert(first % kBackwardInputs == 0 && layer.outputs % kTrainLanes == 0);
  NIBBLE_DISPATCH(backward)(layer, step, first, count);
}

double train_gradient_square(const BackwardLayer& layer, std::size_t first, std::size_t count) {
  assert(first % kBackwardInputs == 0 && layer.outputs % kTrainLanes == 0);
  return NIBBLE_DISPATCH(gradient_square)(layer, first, count);
}

void train_backward_inputs(const BackwardLayer& layer, std::size_t inputs) {
  assert(layer.outputs % kTrainLanes == 0 && layer.dx != nullptr);
  NIBBLE_DISPATCH(backward_inputs)(layer, inputs);
}

}  // namespace nibble
#endif
