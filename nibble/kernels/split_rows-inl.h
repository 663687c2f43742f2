// Rows of bytes for PMADDUBSW, which adds the products of two neighbouring inputs in 16 bits. They
// fit if the inputs add up to at most 256. Of two that add up to more the second waits: it is left
// out, its quad is noted and, for that row, multiplied once more, by what was left out alone. On
// SST-2 that are 7 % of a row's quads in the widest layer, 32 % in the last. Compiled once per CPU
// level.
#if defined(NIBBLE_KERNELS_SPLIT_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_KERNELS_SPLIT_ROWS_INL_H_
#undef NIBBLE_KERNELS_SPLIT_ROWS_INL_H_
#else
#define NIBBLE_KERNELS_SPLIT_ROWS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "nibble/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

#if !NIBBLE_PLAIN_LOOPS && !NIBBLE_VNNI

// Views into a workspace of int8_dense_workspace elements: all rows' bytes without what waits, then
// for each row the number of its waiting quads and their list.
struct SplitRows {
  QuantizedRows original;
  std::size_t stride;  // bytes
  std::uint32_t* workspace;

  std::uint8_t* bytes(std::size_t row) const {
    return reinterpret_cast<std::uint8_t*>(workspace) + row * stride;
  }
  std::uint32_t* count(std::size_t row) const {
    return workspace + original.rows * stride / 4 + row * (stride / 4 + 1);
  }
  std::uint32_t* quads(std::size_t row) const { return count(row) + 1; }
  // Four inputs, those that wait alone.
  U8Vec waiting(std::size_t row, std::size_t quad) const {
    return hn::Xor(four_bytes(original.values + row * original.stride + quad * 4),
                   four_bytes(bytes(row) + quad * 4));
  }
};

// Its quads from `first` on in which one of the two pairs is heavy; returns how many are noted
// then. Noted every time and counted where it is so: no branch to guess.
template <typename D16, typename V16>
HWY_INLINE std::uint32_t note_quads(D16 d16, V16 heavy, std::size_t first, std::uint32_t* quads,
                                    std::uint32_t count) {
  const hn::Repartition<std::uint32_t, D16> d32;
  std::uint8_t bits[8];
  hn::StoreMaskBits(d32, hn::Ne(hn::BitCast(d32, heavy), hn::Zero(d32)), bits);
  for (std::size_t q = 0; q < hn::Lanes(d32); ++q) {
    quads[count] = static_cast<std::uint32_t>(first + q);
    count += (bits[0] >> q) & 1U;
  }
  return count;
}

HWY_INLINE void split_row(const SplitRows& rows, std::size_t row, std::size_t inputs) {
  const hn::CappedTag<std::uint8_t, 32> d8;  // no more of a row is sure to be readable
  const hn::Repartition<std::uint16_t, decltype(d8)> d16;
  const std::uint8_t* from = rows.original.values + row * rows.original.stride;
  std::uint32_t* quads = rows.quads(row);
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < rows.stride; i += hn::Lanes(d8)) {
    const auto pairs = hn::BitCast(d16, hn::LoadU(d8, from + i));
    const auto sum = hn::Add(hn::ShiftRight<8>(pairs), hn::And(pairs, hn::Set(d16, 0x00FF)));
    const auto heavy = hn::VecFromMask(d16, hn::Gt(sum, hn::Set(d16, 256)));
    const auto kept = hn::AndNot(hn::And(heavy, hn::Set(d16, 0xFF00)), pairs);
    hn::StoreU(hn::BitCast(d8, kept), d8, rows.bytes(row) + i);
    count = note_quads(d16, heavy, i / 4, quads, count);
  }
  // Behind the last input the bytes mean nothing and there are no weights.
  while (count > 0 && quads[count - 1] * 4 >= inputs) --count;
  *rows.count(row) = count;
}

HWY_INLINE SplitRows split_rows(const QuantizedRows& x, std::size_t inputs,
                                std::uint32_t* workspace) {
  const SplitRows rows{x, round_up(inputs, 32), workspace};
  for (std::size_t r = 0; r < x.rows; ++r) split_row(rows, r, inputs);
  return rows;
}

#endif

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
