#include "nibble/kernels/int4_dense.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nibble/kernels/cpu_targets.h"
#include "nibble/kernels/panel_order.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/int4_dense.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"
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
  const float* wide_scales;        // null if there are none
  const std::int16_t* group_sums;  // null if no row has an offset
  std::size_t width;
  Finish finish;
  OutputRows y;
  bool ask_ahead;  // for the codes of a single row, as in int8_dense.cc
};

#if NIBBLE_PLAIN_LOOPS

// Sums over one group for the two strips of a pair. Four sums for each output, one for each input
// of a quad, let the compiler make vectors of the inner loop.
struct PairSums {
  std::int32_t low[kStripWidth * 4] = {};   // of code + 8
  std::int32_t high[kStripWidth * 4] = {};  // likewise

  void add(const std::uint8_t* bytes, const std::int16_t* four) {
    for (std::size_t c = 0; c < kStripWidth * 4; c += 4) {
      for (std::size_t j = 0; j < 4; ++j) {
        const auto low_code = static_cast<std::int16_t>(bytes[c + j] & 15);
        const auto high_code = static_cast<std::int16_t>((bytes[c + j] >> 4) ^ 8);
        low[c + j] += four[j] * low_code;
        high[c + j] += four[j] * high_code;
      }
    }
  }
  static std::int32_t of_output(const std::int32_t* sums, std::size_t c) {
    return sums[c * 4] + sums[c * 4 + 1] + sums[c * 4 + 2] + sums[c * 4 + 3];
  }
};

// totals[..] += float(sum over the group) * scales[..] for the 32 outputs of a pair of strips.
void add_group(const PanelJob& job, std::size_t row, std::size_t group, std::size_t pair,
               float* totals) {
  const std::uint8_t* q = job.x.values + row * job.x.stride + group * kGroup;
  const std::uint8_t* bytes = job.codes + group * 16 * job.width + pair * kStripWidth * 4;
  PairSums sums;
  std::int32_t inputs = 0;
  for (std::size_t i = 0; i < kGroup; i += 4, bytes += job.width * 2) {
    std::int16_t four[4];
    for (std::size_t j = 0; j < 4; ++j) {
      four[j] = static_cast<std::int16_t>(q[i + j] - job.x.scales[row].offset);
      inputs += four[j];
    }
    sums.add(bytes, four);
  }
  const std::uint16_t* scales = job.scales + group * job.width + pair * Int4Panels::kPair;
  for (std::size_t c = 0; c < kStripWidth; ++c) {
    const std::int32_t low = PairSums::of_output(sums.low, c) - 8 * inputs;
    const std::int32_t high = PairSums::of_output(sums.high, c) - 8 * inputs;
    totals[c] += static_cast<float>(low) * float_from_half(scales[c]);
    totals[c + kStripWidth] += static_cast<float>(high) * float_from_half(scales[c + kStripWidth]);
  }
}

void cover_panel(const PanelJob& job, const std::int32_t* /*workspace*/) {
  for (std::size_t r = 0; r < job.x.rows; ++r) {
    float* y = job.y.values + r * job.y.stride;
    std::fill_n(y, job.width, 0.0F);
    for (std::size_t g = 0; g < job.groups; ++g) {
      for (std::size_t pair = 0; pair < job.width / Int4Panels::kPair; ++pair)
        add_group(job, r, g, pair, y + pair * Int4Panels::kPair);
    }
    for (std::size_t o = 0; o < job.width; ++o) {
      const float product = y[o] * job.x.scales[r].scale;
      const float value = product + job.finish.bias[o];
      y[o] = job.finish.relu ? std::max(0.0F, value) : value;
    }
  }
}

void prepare(const QuantizedRows& /*x*/, std::size_t /*groups*/, std::int32_t* /*workspace*/) {}

#else

std::int32_t sum_of_group(const std::uint8_t* q) {
  const hn::CappedTag<std::uint8_t, kGroup> bytes;
  const hn::Repartition<std::uint64_t, decltype(bytes)> sums;
  auto total = hn::SumsOf8(hn::LoadU(bytes, q));
  for (std::size_t i = hn::Lanes(bytes); i < kGroup; i += hn::Lanes(bytes))
    total = hn::Add(total, hn::SumsOf8(hn::LoadU(bytes, q + i)));
  return static_cast<std::int32_t>(hn::GetLane(hn::SumOfLanes(sums, total)));
}

// A dot product with code + 8 starts from -8 times the sum of its inputs.
void prepare(const QuantizedRows& x, std::size_t groups, std::int32_t* workspace) {
  for (std::size_t r = 0; r < x.rows; ++r) {
    const std::uint8_t* q = x.values + r * x.stride;
    for (std::size_t g = 0; g < groups; ++g, q += kGroup) {
      workspace[r * groups + g] = -8 * sum_of_group(q);
    }
  }
}

// Said of a variable that the registers have no room for: GCC 12, left to choose, moves others to
// and fro as well.
template <typename V>
HWY_INLINE void keep_in_memory(V& v) {
  asm("" : "+m"(v.raw));
}

// Whether a group's sums and the totals are such variables beside its products.
template <std::size_t kRows, std::size_t kColumns>
constexpr bool kInMemory = !NIBBLE_AVX512 && kRows * kColumns > 2;

#if NIBBLE_VNNI

// Codes of four inputs for a pair of vectors of outputs.
struct Codes {
  I8Vec low;   // code + 8 of the first
  I8Vec both;  // that + 16 code of the second
  explicit HWY_INLINE Codes(U8Vec bytes)
      : low(hn::BitCast(I8Tag(), hn::And(bytes, hn::Set(U8Tag(), 0x0F)))),
        both(hn::BitCast(I8Tag(), bytes)) {}
};

struct PairSum {
  I32Vec low;
  I32Vec both;

  HWY_INLINE void start(std::int32_t first) { low = both = hn::Set(I32Tag(), first); }
  HWY_INLINE void add(U8Vec values, const Codes& codes) {
    add_quad_products(low, values, codes.low);
    add_quad_products(both, values, codes.both);
  }
  HWY_INLINE I32Vec first() const { return low; }
  static constexpr std::int32_t kSecondTimes = 16;
  HWY_INLINE I32Vec second() const { return hn::Sub(both, low); }
};

#else

// Both code + 8.
struct Codes {
  I8Vec low;
  I8Vec high;
  explicit HWY_INLINE Codes(U8Vec bytes) {
    const U8Vec low_bits = hn::Set(U8Tag(), 0x0F);
    const hn::Repartition<std::uint16_t, U8Tag> d16;
    const U8Vec shifted = hn::BitCast(U8Tag(), hn::ShiftRight<4>(hn::BitCast(d16, bytes)));
    low = hn::BitCast(I8Tag(), hn::And(bytes, low_bits));
    high = hn::BitCast(I8Tag(), hn::Xor(hn::And(shifted, low_bits), hn::Set(U8Tag(), 0x08)));
  }
};

// PMADDUBSW does not saturate here: two products are at most 2 * 255 * 15 = 7650, and those of four
// quads still fit in 16 bits.
constexpr std::size_t kTogether = 16;  // inputs

struct PairProducts {
  I16Vec low;
  I16Vec high;

  HWY_INLINE void clear() { low = high = hn::Zero(I16Tag()); }
  HWY_INLINE void add(U8Vec values, const Codes& codes) {
    add_byte_pair_products(low, values, codes.low);
    add_byte_pair_products(high, values, codes.high);
  }
};

struct PairSum {
  I32Vec low;
  I32Vec high;

  HWY_INLINE void start(std::int32_t first) { low = high = hn::Set(I32Tag(), first); }
  HWY_INLINE void add(const PairProducts& products) {
    const I16Vec ones = hn::Set(I16Tag(), 1);
    low = add_pair_products(low, products.low, ones);
    high = add_pair_products(high, products.high, ones);
  }
  HWY_INLINE void keep_in_memory() {
    nibble::HWY_NAMESPACE::keep_in_memory(low);
    nibble::HWY_NAMESPACE::keep_in_memory(high);
  }
  HWY_INLINE I32Vec first() const { return low; }
  static constexpr std::int32_t kSecondTimes = 1;
  HWY_INLINE I32Vec second() const { return high; }
};

#endif  // NIBBLE_VNNI

// "Columns" of the tiles are pairs of outputs, one of each strip. kOffsets: whether a row's offset
// can be other than 0.
template <bool kOffsets>
struct NibbleTiles {
  static constexpr std::size_t kPairs = 1;
  static constexpr std::size_t kSinglePairs = NIBBLE_AVX512 ? 2 : 4;
  PanelJob job;
  const std::int32_t* starts;  // [rows][groups]

  // Where the outputs of a vector of pairs lie in the panel: here, and kStripWidth further.
  static HWY_INLINE std::size_t output(std::size_t pair) {
    return pair / kStripWidth * Int4Panels::kPair + pair % kStripWidth;
  }

  template <std::size_t kRows, std::size_t kColumns>
  HWY_NOINLINE void tile(std::size_t row, std::size_t pair) const {
    F32Vec totals[kRows][2 * kColumns];
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < 2 * kColumns; ++c) totals[r][c] = hn::Zero(F32Tag());
    }
    std::size_t g = 0;
#if NIBBLE_VNNI
    if constexpr (kRows == 1) {
      for (; g + 2 <= job.groups; g += 2) add_two_groups<kColumns>(row, pair, g, totals);
    }
#endif
    for (; g < job.groups; ++g) add_group<kRows, kColumns>(row, pair, g, totals);
    const Finish finish = job.finish;
    const OutputRows y = job.y.from(row);
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      const float scale = job.x.scales[row + r].scale;
      float* out = y.values + r * y.stride;
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) {
        const std::size_t o = output(pair + c * kLanes);
        store(totals[r][2 * c], scale, finish, o, out);
        store(totals[r][2 * c + 1], scale, finish, o + kStripWidth, out);
      }
    }
  }

  static HWY_INLINE void store(F32Vec total, float scale, Finish finish, std::size_t output,
                               float* out) {
    const F32Tag d;
    const F32Vec product = hn::Mul(total, hn::Set(d, scale));
    const F32Vec value = hn::Add(product, hn::LoadU(d, finish.bias + output));
    hn::StoreU(rectified(value, finish.relu), d, out + output);
  }

  template <std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void add_group(std::size_t row, std::size_t pair, std::size_t group,
                            F32Vec (&totals)[kRows][2 * kColumns]) const {
    PairSum sums[kRows][kColumns];
    const std::uint8_t* values = job.x.values + row * job.x.stride + group * kGroup;
    const std::uint8_t* bytes = job.codes + group * 16 * job.width + pair * 4;
    const std::int32_t* first = starts + row * job.groups + group;
#if NIBBLE_VNNI
    start<kRows, kColumns>(first, sums);
    add_quads<kRows, kColumns>(values, bytes, kGroup, sums);
#else
    PairProducts products[kRows][kColumns];
    clear<kRows, kColumns>(products);
    add_quads<kRows, kColumns>(values, bytes, kTogether, products);
    start<kRows, kColumns>(first, sums);
    add<kRows, kColumns>(products, sums);
    clear<kRows, kColumns>(products);
    add_quads<kRows, kColumns>(values + kTogether, bytes + kTogether / 2 * job.width, kTogether,
                               products);
    add<kRows, kColumns>(products, sums);
#endif
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c)
      add_scaled<kRows, kColumns>(row, c, group * job.width + output(pair + c * kLanes), sums,
                                  totals);
  }

#if NIBBLE_VNNI
  // For a single row: one group's sums are too few to hide the latency of adding to them.
  template <std::size_t kColumns>
  HWY_INLINE void add_two_groups(std::size_t row, std::size_t pair, std::size_t group,
                                 F32Vec (&totals)[1][2 * kColumns]) const {
    PairSum sums[2][1][kColumns];
    const std::uint8_t* values = job.x.values + row * job.x.stride + group * kGroup;
    const std::uint8_t* bytes = job.codes + group * 16 * job.width + pair * 4;
    const std::int32_t* first = starts + row * job.groups + group;
    start<1, kColumns>(first, sums[0]);
    start<1, kColumns>(first + 1, sums[1]);
    for (std::size_t i = 0; i < kGroup; i += 4, bytes += job.width * 2) {
      add_quad<1, kColumns>(values + i, bytes, sums[0]);
      add_quad<1, kColumns>(values + kGroup + i, bytes + 16 * job.width, sums[1]);
    }
    NIBBLE_UNROLL
    for (std::size_t k = 0; k < 2; ++k) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c)
        add_scaled<1, kColumns>(row, c, (group + k) * job.width + output(pair + c * kLanes),
                                sums[k], totals);
    }
  }
#endif

  template <std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void start(const std::int32_t* first, PairSum (&sums)[kRows][kColumns]) const {
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) sums[r][c].start(first[r * job.groups]);
    }
  }

#if !NIBBLE_VNNI

  template <std::size_t kRows, std::size_t kColumns>
  static HWY_INLINE void clear(PairProducts (&products)[kRows][kColumns]) {
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) products[r][c].clear();
    }
  }

  template <std::size_t kRows, std::size_t kColumns>
  static HWY_INLINE void add(const PairProducts (&products)[kRows][kColumns],
                             PairSum (&sums)[kRows][kColumns]) {
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) {
        sums[r][c].add(products[r][c]);
        if constexpr (kInMemory<kRows, kColumns>) sums[r][c].keep_in_memory();
      }
    }
  }

#endif

  // `inputs` inputs of a group. Not unrolled: GCC would run out of registers for eight multiples of
  // the width.
  template <std::size_t kRows, std::size_t kColumns, typename Sum>
  HWY_INLINE void add_quads(const std::uint8_t* values, const std::uint8_t* bytes,
                            std::size_t inputs, Sum (&sums)[kRows][kColumns]) const {
    for (std::size_t i = 0; i < inputs; i += 4, bytes += job.width * 2)
      add_quad<kRows, kColumns>(values + i, bytes, sums);
  }

  template <std::size_t kRows, std::size_t kColumns, typename Sum>
  HWY_INLINE void add_quad(const std::uint8_t* values, const std::uint8_t* bytes,
                           Sum (&sums)[kRows][kColumns]) const {
    if (kRows == 1 && job.ask_ahead) {
      NIBBLE_UNROLL
      for (std::size_t c = 0; c < kColumns; ++c) __builtin_prefetch(bytes + 128 + c * kLanes * 4);
    }
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) {
      const Codes codes(load_once(bytes + c * kLanes * 4));
      NIBBLE_UNROLL
      for (std::size_t r = 0; r < kRows; ++r)
        sums[r][c].add(four_bytes(values + r * job.x.stride), codes);
    }
  }

  HWY_INLINE F32Vec scale_of_first(std::size_t at) const {
    if (PairSum::kSecondTimes == 1 || job.wide_scales == nullptr)
      return LoadF16::load(job.scales + at);
    return hn::LoadU(F32Tag(), job.wide_scales + at);
  }
  HWY_INLINE F32Vec scale_of_second(std::size_t at) const {
    const F32Vec scale = scale_of_first(at);
    if (PairSum::kSecondTimes == 1 || job.wide_scales != nullptr) return scale;
    return hn::Mul(scale, hn::Set(F32Tag(), 1.0F / PairSum::kSecondTimes));
  }

  // A group's sums times its scales. `at`: of the first strip's scales.
  template <std::size_t kRows, std::size_t kColumns>
  HWY_INLINE void add_scaled(std::size_t row, std::size_t c, std::size_t at,
                             const PairSum (&sums)[kRows][kColumns],
                             F32Vec (&totals)[kRows][2 * kColumns]) const {
    const F32Vec first_scale = scale_of_first(at);
    const F32Vec second_scale = scale_of_second(at + kStripWidth);
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::int32_t offset = job.x.scales[row + r].offset;
      add_scaled<kRows, kColumns>(without_offset(sums[r][c].first(), offset, at), first_scale,
                                  totals[r][2 * c]);
      add_scaled<kRows, kColumns>(
          without_offset(sums[r][c].second(), PairSum::kSecondTimes * offset, at + kStripWidth),
          second_scale, totals[r][2 * c + 1]);
    }
  }
  template <std::size_t kRows, std::size_t kColumns>
  static HWY_INLINE void add_scaled(I32Vec sum, F32Vec scale, F32Vec& total) {
    total = hn::Add(total, hn::Mul(hn::ConvertTo(F32Tag(), sum), scale));
    if constexpr (kInMemory<kRows, kColumns>) keep_in_memory(total);
  }

  HWY_INLINE I32Vec without_offset(I32Vec sum, std::int32_t offset, std::size_t at) const {
    if constexpr (!kOffsets) return sum;
    const hn::Rebind<std::int16_t, I32Tag> narrow;
    const I32Vec codes = hn::PromoteTo(I32Tag(), hn::LoadU(narrow, job.group_sums + at));
    return hn::Sub(sum, hn::Mul(hn::Set(I32Tag(), offset), codes));
  }
};

template <bool kOffsets>
void cover_panel(const PanelJob& job, const std::int32_t* workspace) {
  using Tiles = NibbleTiles<kOffsets>;
  const Tiles tiles{job, workspace};
  if (job.x.rows == 1) {
    cover_few_rows<1, Tiles::kSinglePairs>(tiles, job.width / 2);
  } else {
    cover_columns<Tiles::kPairs>(tiles, job.x.rows, job.width / 2);
  }
}

void cover_panel(const PanelJob& job, const std::int32_t* workspace) {
  if (job.group_sums == nullptr) return cover_panel<false>(job, workspace);
  cover_panel<true>(job, workspace);
}

#endif  // NIBBLE_PLAIN_LOOPS

void dense_int4(const QuantizedRows& x, const Int4Panels& weights, const Finish& finish,
                OutputRows y, std::int32_t* workspace) {
  const bool offsets =
      std::any_of(x.scales, x.scales + x.rows, [](const RowScale& row) { return row.offset != 0; });
  assert(!offsets || !weights.group_sums.empty());
  prepare(x, weights.groups(), workspace);
  const bool ask_ahead = streamed_requests_pay();
  const PanelOrder order(weights.shape.panels(), x.rows == 1 ? weights.codes.size() : 0);
  for (std::size_t i = 0; i < weights.shape.panels(); ++i) {
    const std::size_t p = order[i];
    const std::size_t first = p * kPanelWidth;
    const std::size_t at = weights.scale_offset(p);
    cover_panel({x,
                 weights.groups(),
                 weights.codes.data() + at * 16,
                 weights.scales.data() + at,
                 weights.wide_scales.empty() ? nullptr : weights.wide_scales.data() + at,
                 offsets ? weights.group_sums.data() + at : nullptr,
                 weights.width(p),
                 {finish.bias + first, finish.relu},
                 {y.values + first, y.stride},
                 ask_ahead},
                workspace);
  }
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {

NIBBLE_EXPORT(dense_int4);

void int4_dense(const QuantizedRows& x, const Int4Panels& weights, const Finish& finish,
                OutputRows y, std::int32_t* workspace) {
  in_row_blocks(x.rows, [&](std::size_t first, std::size_t rows) {
    NIBBLE_DISPATCH(dense_int4)(x.slice(first, rows), weights, finish, y.from(first), workspace);
  });
}

}  // namespace nibble
#endif  // HWY_ONCE
