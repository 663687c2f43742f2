#include "nibble/kernels/int4_dense.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/int4_dense.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/weight_loads-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

// One panel.
struct PanelJob {
  QuantizedRows x;
  std::size_t groups;
  const std::uint8_t* codes;
  const std::uint16_t* scales;
  const std::int16_t* group_sums;  // null if no row has an offset
  std::size_t width;
  Finish finish;
  OutputRows y;
};

#if NIBBLE_PLAIN_LOOPS

std::int32_t code_of(const PanelJob& job, std::size_t input, std::size_t output) {
  const std::size_t step = input / 8;
  const unsigned byte = job.codes[(step * job.width + output) * 4 + input % 4];
  return static_cast<std::int32_t>(input % 8 < 4 ? byte & 15U : (byte >> 4U) ^ 8U) - 8;
}

float dot(const PanelJob& job, std::size_t row, std::size_t output) {
  const std::uint8_t* q = job.x.values + row * job.x.stride;
  float total = 0.0F;
  for (std::size_t g = 0; g < job.groups; ++g) {
    std::int32_t sum = 0;
    for (std::size_t i = g * kGroup; i < (g + 1) * kGroup; ++i) {
      // The padding has code 0.
      sum += (q[i] - job.x.scales[row].offset) * code_of(job, i, output);
    }
    total += static_cast<float>(sum) * float_from_half(job.scales[g * job.width + output]);
  }
  return total;
}

void cover_panel(const PanelJob& job, const std::int32_t* /*workspace*/) {
  for (std::size_t r = 0; r < job.x.rows; ++r) {
    for (std::size_t o = 0; o < job.width; ++o) {
      const float product = dot(job, r, o) * job.x.scales[r].scale;
      const float value = product + job.finish.bias[o];
      job.y.values[r * job.y.stride + o] = job.finish.relu ? std::max(0.0F, value) : value;
    }
  }
}

void prepare(const QuantizedRows& /*x*/, std::size_t /*groups*/, std::int32_t* /*workspace*/) {}

#else

// The sums of bytes that turn sums of code + 8 into sums of codes: where a nibble is stored as
// code + 8, the dot product starts from -8 times the sum of its inputs.
#if NIBBLE_VNNI
constexpr std::size_t kShiftedHalf = 4;  // only low nibbles are used so: four inputs of eight
#else
constexpr std::size_t kShiftedHalf = 8;  // both
#endif

void prepare(const QuantizedRows& x, std::size_t groups, std::int32_t* workspace) {
  for (std::size_t r = 0; r < x.rows; ++r) {
    const std::uint8_t* q = x.values + r * x.stride;
    for (std::size_t g = 0; g < groups; ++g, q += kGroup) {
      std::int32_t sum = 0;
      for (std::size_t step = 0; step < kGroup; step += 8) {
        for (std::size_t i = 0; i < kShiftedHalf; ++i) sum += q[step + i];
      }
      workspace[r * groups + g] = -8 * sum;
    }
  }
}

HWY_INLINE U8Vec four_bytes(const std::uint8_t* from) {
  std::int32_t four;
  std::memcpy(&four, from, 4);
  return hn::BitCast(U8Tag(), hn::Set(I32Tag(), four));
}

// The codes of eight inputs.
struct Nibbles {
  U8Vec low;
  U8Vec high;
};

#if NIBBLE_VNNI

// low: code + 8; high: 16 code.
HWY_INLINE Nibbles unpack(U8Vec bytes) {
  return {hn::And(bytes, hn::Set(U8Tag(), 0x0F)), hn::And(bytes, hn::Set(U8Tag(), 0xF0))};
}

struct GroupSum {
  I32Vec low;   // of low nibbles
  I32Vec high;  // 16 times that of high nibbles

  HWY_INLINE void start(std::int32_t first) {
    low = hn::Set(I32Tag(), first);
    high = hn::Zero(I32Tag());
  }
  HWY_INLINE void add(U8Vec values_low, U8Vec values_high, const Nibbles& nibbles) {
    add_quad_products(low, values_low, hn::BitCast(I8Tag(), nibbles.low));
    add_quad_products(high, values_high, hn::BitCast(I8Tag(), nibbles.high));
  }
  HWY_INLINE I32Vec total() const { return hn::Add(low, hn::ShiftRight<4>(high)); }
};

#else

// Both code + 8.
HWY_INLINE Nibbles unpack(U8Vec bytes) {
  const U8Vec low_bits = hn::Set(U8Tag(), 0x0F);
  const hn::Repartition<std::uint16_t, U8Tag> d16;
  const U8Vec shifted = hn::BitCast(U8Tag(), hn::ShiftRight<4>(hn::BitCast(d16, bytes)));
  return {hn::And(bytes, low_bits), hn::Xor(hn::And(shifted, low_bits), hn::Set(U8Tag(), 0x08))};
}

// PMADDUBSW does not saturate here: two products are at most 2 * 255 * 15 = 7650, four 15300.
struct GroupSum {
  I32Vec sum;

  HWY_INLINE void start(std::int32_t first) { sum = hn::Set(I32Tag(), first); }
  HWY_INLINE void add(U8Vec values_low, U8Vec values_high, const Nibbles& nibbles) {
    const I16Vec low = byte_pair_products(values_low, hn::BitCast(I8Tag(), nibbles.low));
    const I16Vec high = byte_pair_products(values_high, hn::BitCast(I8Tag(), nibbles.high));
    sum = add_pair_products(sum, hn::Add(low, high), hn::Set(I16Tag(), 1));
  }
  HWY_INLINE I32Vec total() const { return sum; }
};

#endif  // NIBBLE_VNNI

struct NibbleTiles {
  static constexpr std::size_t kVectors = NIBBLE_AVX512 ? 2 : 1;
  static constexpr std::size_t kSingleVectors = NIBBLE_AVX512 ? 4 : 2;
  PanelJob job;
  const std::int32_t* starts;  // [rows][groups]

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t row, std::size_t column) const {
    const F32Tag d;
    F32Vec totals[kRows][kColumns];
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) totals[r][c] = hn::Zero(d);
    }
    for (std::size_t g = 0; g < job.groups; ++g) add_group(row, column, g, totals);
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      const F32Vec scale = hn::Set(d, job.x.scales[row + r].scale);
      float* out = job.y.values + (row + r) * job.y.stride + column;
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) {
        const F32Vec bias = hn::LoadU(d, job.finish.bias + column + c * kLanes);
        const F32Vec value = hn::Add(hn::Mul(totals[r][c], scale), bias);
        hn::StoreU(rectified(value, job.finish.relu), d, out + c * kLanes);
      }
    }
  }

  template <std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void add_group(std::size_t row, std::size_t column, std::size_t group,
                            F32Vec (&totals)[kRows][kColumns]) const {
    const F32Tag d;
    GroupSum sums[kRows][kColumns];
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        sums[r][c].start(starts[(row + r) * job.groups + group]);
    }
    const std::uint8_t* values = job.x.values + row * job.x.stride + group * kGroup;
    const std::uint8_t* codes = job.codes + (group * 4 * job.width + column) * 4;
    NIBBLE_UNROLL
    for (std::size_t step = 0; step < 4; ++step) {
      Nibbles nibbles[kColumns];
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        nibbles[c] = unpack(hn::LoadU(U8Tag(), codes + (step * job.width + c * kLanes) * 4));
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::uint8_t* eight = values + r * job.x.stride + step * 8;
        const U8Vec low = four_bytes(eight);
        const U8Vec high = four_bytes(eight + 4);
        NIBBLE_UNROLL
        for (std::size_t c = 0; c < kColumns; ++c) sums[r][c].add(low, high, nibbles[c]);
      }
    }
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::size_t at = group * job.width + column + c * kLanes;
      const F32Vec scale = LoadF16::load(job.scales + at);
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) {
        const I32Vec sum = without_offset(sums[r][c].total(), job.x.scales[row + r].offset, at);
        totals[r][c] = hn::Add(totals[r][c], hn::Mul(hn::ConvertTo(d, sum), scale));
      }
    }
  }

  HWY_INLINE I32Vec without_offset(I32Vec sum, std::int32_t offset, std::size_t at) const {
    if (job.group_sums == nullptr) return sum;
    const hn::Rebind<std::int16_t, I32Tag> narrow;
    const I32Vec codes = hn::PromoteTo(I32Tag(), hn::LoadU(narrow, job.group_sums + at));
    return hn::Sub(sum, hn::Mul(hn::Set(I32Tag(), offset), codes));
  }
};

void cover_panel(const PanelJob& job, const std::int32_t* workspace) {
  const NibbleTiles tiles{job, workspace};
  if (job.x.rows == 1) {
    cover_single_row<NibbleTiles::kSingleVectors>(tiles, job.width);
  } else {
    cover_columns<NibbleTiles::kVectors>(tiles, job.x.rows, job.width);
  }
}

#endif  // NIBBLE_PLAIN_LOOPS

void dense_int4(const QuantizedRows& x, const Int4Panels& weights, const Finish& finish,
                OutputRows y, std::int32_t* workspace) {
  const bool offsets =
      std::any_of(x.scales, x.scales + x.rows, [](const RowScale& row) { return row.offset != 0; });
  assert(!offsets || !weights.group_sums.empty());
  prepare(x, weights.groups(), workspace);
  for (std::size_t p = 0; p < weights.shape.panels(); ++p) {
    const std::size_t first = p * kPanelWidth;
    const std::size_t at = weights.scale_offset(p);
    cover_panel({x,
                 weights.groups(),
                 weights.codes.data() + at * 16,
                 weights.scales.data() + at,
                 offsets ? weights.group_sums.data() + at : nullptr,
                 weights.shape.width(p),
                 {finish.bias + first, finish.relu},
                 {y.values + first, y.stride}},
                workspace);
  }
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

HWY_EXPORT(dense_int4);

void int4_dense(const QuantizedRows& x, const Int4Panels& weights, const Finish& finish,
                OutputRows y, std::int32_t* workspace) {
  HWY_DYNAMIC_DISPATCH(dense_int4)(x, weights, finish, y, workspace);
}

}  // namespace nibble
#endif  // HWY_ONCE
