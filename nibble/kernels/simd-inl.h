// What Highway 1.0.3 lacks for our kernels, compiled once per CPU level; and the cutting of a
// matrix of outputs into register tiles.
#if defined(NIBBLE_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_KERNELS_SIMD_INL_H_
#undef NIBBLE_KERNELS_SIMD_INL_H_
#else
#define NIBBLE_KERNELS_SIMD_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

#include "nibble/kernels/packed.h"
#include "nibble/kernels/rows.h"

// The levels without intrinsics of ours run plain loops: scalar, and every CPU that is not x86.
#undef NIBBLE_PLAIN_LOOPS
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128 || !HWY_ARCH_X86
#define NIBBLE_PLAIN_LOOPS 1
#else
#define NIBBLE_PLAIN_LOOPS 0
#endif
#undef NIBBLE_VNNI
#define NIBBLE_VNNI (HWY_TARGET == HWY_AVX3_DL)
#undef NIBBLE_AVX512
#define NIBBLE_AVX512 (HWY_ARCH_X86 && (HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX3))

// Before a loop over registers, whose bounds are constants: without it GCC 12 unrolls only after it
// has laid the array of registers out in memory, and each tile then begins and ends with stores.
#undef NIBBLE_UNROLL
#if HWY_COMPILER_CLANG
#define NIBBLE_UNROLL _Pragma("unroll")
#else
#define NIBBLE_UNROLL _Pragma("GCC unroll 32")
#endif

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F32Tag = hn::ScalableTag<float>;
using I32Tag = hn::ScalableTag<std::int32_t>;
using I16Tag = hn::ScalableTag<std::int16_t>;
using I8Tag = hn::ScalableTag<std::int8_t>;
using U8Tag = hn::ScalableTag<std::uint8_t>;
using U32Tag = hn::ScalableTag<std::uint32_t>;
using F32Vec = hn::Vec<F32Tag>;
using I32Vec = hn::Vec<I32Tag>;
using I16Vec = hn::Vec<I16Tag>;
using U8Vec = hn::Vec<U8Tag>;
using I8Vec = hn::Vec<I8Tag>;

// Float lanes: 16 with AVX-512, 8 with AVX2, 4 with SSE.
[[maybe_unused]] constexpr std::size_t kLanes = hn::MaxLanes(F32Tag());

// std::fma without the instruction: the product is exact in double, and rounding the sum to double
// first does no harm unless that lands half-way between two floats, or among those with fewer
// digits. Then, once in 2^29, the library's decides.
HWY_INLINE float plain_fma(float x, float y, float z) {
  const double sum = static_cast<double>(x) * y + z;
  std::uint64_t bits;
  std::memcpy(&bits, &sum, sizeof(bits));
  const bool is_half_way = (bits & 0x1FFFFFFFU) == 0x10000000U;
  const bool is_tiny = sum != 0.0 && std::abs(sum) < 0x1p-126;
  return is_half_way || is_tiny ? std::fma(x, y, z) : static_cast<float>(sum);
}

// value * weight + sum, rounded once wherever that costs little: then a float network has the same
// bits at every such level. Only SSE rounds twice: it has no such instruction, and to imitate it
// would take seven times as long.
HWY_INLINE F32Vec fused(F32Vec value, F32Vec weight, F32Vec sum) {
#if HWY_TARGET == HWY_SCALAR
  return F32Vec{plain_fma(value.raw, weight.raw, sum.raw)};
#elif HWY_TARGET == HWY_EMU128  // what Clang has for plain loops
  F32Vec result;
  for (std::size_t i = 0; i < kLanes; ++i)
    result.raw[i] = plain_fma(value.raw[i], weight.raw[i], sum.raw[i]);
  return result;
#else
  return hn::MulAdd(value, weight, sum);
#endif
}

// max(value, 0); 0 for NaN, as std::max(0.0F, value) gives.
HWY_INLINE F32Vec rectified(F32Vec value, bool relu) {
  return relu ? hn::Max(value, hn::Zero(F32Tag())) : value;
}

// Tiles of float sums: each begins with its output's bias, or where memory has it, and ends in
// memory, with ReLU if asked for. Everything by value: of what a reference leads to, the compiler
// takes every store to be a change, and reads it again for each vector.
template <std::size_t kRows, std::size_t kColumns>
HWY_INLINE void start_tile(const float* bias, F32Vec (&sums)[kRows][kColumns]) {
  NIBBLE_UNROLL
  for (std::size_t c = 0; c < kColumns; ++c) {
    const F32Vec value = hn::LoadU(F32Tag(), bias + c * kLanes);
    NIBBLE_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) sums[r][c] = value;
  }
}
template <std::size_t kRows, std::size_t kColumns>
HWY_INLINE void load_tile(const float* from, std::size_t stride, F32Vec (&sums)[kRows][kColumns]) {
  NIBBLE_UNROLL
  for (std::size_t r = 0; r < kRows; ++r, from += stride) {
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] = hn::LoadU(F32Tag(), from + c * kLanes);
  }
}
template <std::size_t kRows, std::size_t kColumns>
HWY_INLINE void store_tile(const F32Vec (&sums)[kRows][kColumns], bool relu, float* out,
                           std::size_t stride) {
  NIBBLE_UNROLL
  for (std::size_t r = 0; r < kRows; ++r, out += stride) {
    NIBBLE_UNROLL
    for (std::size_t c = 0; c < kColumns; ++c)
      hn::StoreU(rectified(sums[r][c], relu), F32Tag(), out + c * kLanes);
  }
}

#if !NIBBLE_PLAIN_LOOPS

// a[2i] b[2i] + a[2i+1] b[2i+1], exact in int32.
HWY_INLINE I32Vec pair_products(I16Vec a, I16Vec b) {
#if NIBBLE_AVX512
  return I32Vec{_mm512_madd_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return I32Vec{_mm256_madd_epi16(a.raw, b.raw)};
#else
  return I32Vec{_mm_madd_epi16(a.raw, b.raw)};
#endif
}

// sum + pair_products(a, b). Assembly where there are VEX forms: otherwise GCC 12 makes all
// products of a tile first and spills half of the sums.
HWY_INLINE I32Vec add_pair_products(I32Vec sum, I16Vec a, I16Vec b) {
#if NIBBLE_AVX512 || HWY_TARGET == HWY_AVX2
  I32Vec product;
  asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
      : "+v"(sum.raw), "=&v"(product.raw)
      : "v"(a.raw), "v"(b.raw));
  return sum;
#else
  return hn::Add(sum, pair_products(a, b));
#endif
}

// a[2i] b[2i] + a[2i+1] b[2i+1] in int16, saturating: exact while |b| <= 64, and for any b while
// a[2i] + a[2i+1] <= 256.
HWY_INLINE I16Vec byte_pair_products(U8Vec a, I8Vec b) {
#if NIBBLE_AVX512
  return I16Vec{_mm512_maddubs_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return I16Vec{_mm256_maddubs_epi16(a.raw, b.raw)};
#else
  return I16Vec{_mm_maddubs_epi16(a.raw, b.raw)};
#endif
}

// sum + byte_pair_products(a, b), wrapping. Assembly as above.
HWY_INLINE void add_byte_pair_products(I16Vec& sum, U8Vec a, I8Vec b) {
#if NIBBLE_AVX512 || HWY_TARGET == HWY_AVX2
  I16Vec products;
  asm("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0"
      : "+v"(sum.raw), "=&v"(products.raw)
      : "v"(a.raw), "v"(b.raw));
#else
  sum = hn::Add(sum, byte_pair_products(a, b));
#endif
}

// The values that InterleaveLower and InterleaveUpper (which work in 128-bit blocks) put into
// `lower` and `upper`, in their first order.
HWY_INLINE void restore_order(I32Vec& lower, I32Vec& upper) {
#if NIBBLE_AVX512
  const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  const __m512i low = _mm512_permutex2var_epi64(lower.raw, first, upper.raw);
  upper.raw = _mm512_permutex2var_epi64(lower.raw, second, upper.raw);
  lower.raw = low;
#elif HWY_TARGET == HWY_AVX2
  const I32Tag d;
  const I32Vec low = hn::ConcatLowerLower(d, upper, lower);
  upper = hn::ConcatUpperUpper(d, upper, lower);
  lower = low;
#else
  static_cast<void>(lower);
  static_cast<void>(upper);
#endif
}

// Four bytes, again and again.
HWY_INLINE U8Vec four_bytes(const std::uint8_t* from) {
  std::int32_t four;
  std::memcpy(&four, from, 4);
  return hn::BitCast(U8Tag(), hn::Set(I32Tag(), four));
}

#endif  // !NIBBLE_PLAIN_LOOPS

// A load that stays one: GCC 12 folds a load into each instruction that uses it, and where two use
// it, L1 is asked twice.
HWY_INLINE U8Vec load_once(const std::uint8_t* from) {
  U8Vec bytes = hn::LoadU(U8Tag(), from);
#if !NIBBLE_PLAIN_LOOPS
  asm("" : "+v"(bytes.raw));
#endif
  return bytes;
}

#if NIBBLE_VNNI

// sum[i] += a[4i] b[4i] + .. + a[4i+3] b[4i+3], a unsigned, b signed, wrapping in int32. Assembly
// for two reasons: Highway 1.0.3 does not enable avx512vnni for GCC, and around the intrinsic
// GCC 12 spills arrays of sums (0.9 instead of 1.97 dot products per cycle).
HWY_INLINE void add_quad_products(I32Vec& sum, U8Vec a, I8Vec b) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
}

// sum[i] += a.high b.high, then += a.low b.low; each a fused multiply-add on Zen 4 (checked on 1.6
// million random pairs), with subnormals taken as zero.
HWY_INLINE void add_bf16_products(F32Vec& sum, hn::Vec<U32Tag> a, hn::Vec<U32Tag> b) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
}

#elif !NIBBLE_PLAIN_LOOPS

// sum[i] += a[4i] b[4i] + .. + a[4i+3] b[4i+3], a unsigned, b signed; exact while neither
// a[4i] + a[4i+1] nor a[4i+2] + a[4i+3] is over 256. Assembly for the reason given at
// add_pair_products.
HWY_INLINE void add_quad_products(I32Vec& sum, U8Vec a, I8Vec b) {
  const I16Vec ones = hn::Set(I16Tag(), 1);
#if NIBBLE_AVX512 || HWY_TARGET == HWY_AVX2
  I32Vec products;
  asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
      : "+v"(sum.raw), "=&v"(products.raw)
      : "v"(a.raw), "v"(b.raw), "v"(ones.raw));
#else
  sum = hn::Add(sum, pair_products(byte_pair_products(a, b), ones));
#endif
}

#endif  // NIBBLE_VNNI

#if !NIBBLE_PLAIN_LOOPS

// The same with b in memory, which with 16 registers is one register less.
HWY_INLINE void add_quad_products(I32Vec& sum, U8Vec a, const std::int8_t* b) {
#if HWY_TARGET == HWY_AVX2
  const I16Vec ones = hn::Set(I16Tag(), 1);
  I32Vec products;
  asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
      : "+x"(sum.raw), "=&x"(products.raw)
      : "x"(a.raw), "m"(*reinterpret_cast<const __m256i_u*>(b)), "x"(ones.raw));
#else
  add_quad_products(sum, a, hn::LoadU(I8Tag(), b));
#endif
}

#endif

// The tile of `rows` rows, at most kTileRows, that begins at `row` and `column`.
template <std::size_t kVectors, typename Kernel>
HWY_INLINE void cover_tile(const Kernel& kernel, std::size_t row, std::size_t rows,
                           std::size_t column) {
  switch (rows) {
    case 6:
      return kernel.template tile<6, kVectors>(row, column);
    case 5:
      return kernel.template tile<5, kVectors>(row, column);
    case 4:
      return kernel.template tile<4, kVectors>(row, column);
    case 3:
      return kernel.template tile<3, kVectors>(row, column);
    case 2:
      return kernel.template tile<2, kVectors>(row, column);
    default:
      return kernel.template tile<1, kVectors>(row, column);
  }
}

// Cuts rows x columns into tiles of at most kTileRows rows and `kVectors` vectors of outputs and
// calls kernel.tile<rows, vectors>(first row, first column) for each. Columns are a multiple of
// kStripWidth.
template <std::size_t kVectors, typename Kernel>
HWY_INLINE void cover_rows(const Kernel& kernel, std::size_t rows, std::size_t column) {
  in_even_parts(rows, kTileRows, [&](std::size_t row, std::size_t count) HWY_ATTR {
    cover_tile<kVectors>(kernel, row, count, column);
  });
}

template <std::size_t kVectors, typename Kernel>
HWY_INLINE void cover_columns(const Kernel& kernel, std::size_t rows, std::size_t columns,
                              std::size_t column = 0) {
  constexpr std::size_t kStep = kVectors * kLanes;
  for (; column + kStep <= columns; column += kStep) cover_rows<kVectors>(kernel, rows, column);
  if constexpr (kStep > kStripWidth && kVectors > 1) {
    if (column < columns) cover_columns<kVectors / 2>(kernel, rows, columns, column);
  }
}

// The same for the kRows rows that are all: so few that their tiles can be wider, and must be for
// as many sums as hide the latency of adding to one.
template <std::size_t kRows, std::size_t kVectors, typename Kernel>
HWY_INLINE void cover_few_rows(const Kernel& kernel, std::size_t columns, std::size_t column = 0) {
  constexpr std::size_t kStep = kVectors * kLanes;
  for (; column + kStep <= columns; column += kStep)
    kernel.template tile<kRows, kVectors>(0, column);
  if constexpr (kStep > kStripWidth && kVectors > 1) {
    if (column < columns) cover_few_rows<kRows, kVectors / 2>(kernel, columns, column);
  }
}

// All rows, one and two of them by wider tiles.
template <typename Kernel>
HWY_INLINE void cover_all(const Kernel& kernel, std::size_t rows, std::size_t columns) {
  if (rows == 1) return cover_few_rows<1, Kernel::kSingleVectors>(kernel, columns);
  if (rows == 2 && !NIBBLE_AVX512) return cover_few_rows<2, 4>(kernel, columns);
  cover_columns<Kernel::kVectors>(kernel, rows, columns);
}

}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
