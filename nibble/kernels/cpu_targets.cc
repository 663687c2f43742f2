#include "nibble/kernels/cpu_targets.h"

#include "hwy/highway.h"

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

namespace nibble {
#if HWY_ARCH_X86
namespace {

struct Leaf {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
};

// Of CPUID; zeros where there is no such leaf. For what Clang 14's __builtin_cpu_supports does not
// know: Intel's Software Developer's Manual, volume 2A, CPUID.
Leaf cpuid(unsigned number) {
  Leaf leaf;
  if (__get_cpuid_count(number, 0, &leaf.eax, &leaf.ebx, &leaf.ecx, &leaf.edx) == 0) return {};
  return leaf;
}

bool has_f16c() { return (cpuid(1).ecx >> 29U & 1U) != 0; }
bool has_lzcnt() { return (cpuid(0x80000001U).ecx >> 5U & 1U) != 0; }
bool has_vaes() { return (cpuid(7).ecx >> 9U & 1U) != 0; }

bool is_intel() { return cpuid(0).ecx == signature_INTEL_ecx; }
bool is_amd() { return cpuid(0).ecx == signature_AMD_ecx; }

// AMD64 Architecture Programmer's Manual, volume 3, appendix E.3.2; from 15 on, as all AMD's are.
unsigned family() {
  const unsigned version = cpuid(1).eax;
  return (version >> 8U & 0xFU) + (version >> 20U & 0xFFU);
}

bool has_ssse3() { return __builtin_cpu_supports("ssse3") != 0; }

bool has_sse4() {
  return __builtin_cpu_supports("sse4.1") != 0 && __builtin_cpu_supports("sse4.2") != 0 &&
         __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("aes") != 0;
}

bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
         __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0 && has_f16c() &&
         has_lzcnt();
}

bool has_avx3() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512cd") != 0;
}

bool has_avx3_dl() {
  return __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512vbmi") != 0 &&
         __builtin_cpu_supports("avx512vbmi2") != 0 &&
         __builtin_cpu_supports("avx512bitalg") != 0 &&
         __builtin_cpu_supports("avx512vpopcntdq") != 0 &&
         __builtin_cpu_supports("vpclmulqdq") != 0 && __builtin_cpu_supports("gfni") != 0 &&
         has_vaes();
}

}  // namespace

// Each target takes the ones below it for granted.
std::int64_t supported_targets() {
  __builtin_cpu_init();
  std::int64_t targets = 0;
  if (has_ssse3()) targets |= HWY_SSSE3;
  if (targets != 0 && has_sse4()) targets |= HWY_SSE4;
  if ((targets & HWY_SSE4) != 0 && has_avx2()) targets |= HWY_AVX2;
  if ((targets & HWY_AVX2) != 0 && has_avx3()) targets |= HWY_AVX3;
  if ((targets & HWY_AVX3) != 0 && has_avx3_dl()) targets |= HWY_AVX3_DL;
  return targets;
}

bool cpu_has_bf16_dots() { return __builtin_cpu_supports("avx512bf16") != 0; }

bool early_requests_pay() {
  constexpr unsigned kZen5 = 0x1A;
  static const bool pay = !is_intel() && (!is_amd() || family() < kZen5);
  return pay;
}

bool streamed_requests_pay() {
  static const bool pay = !is_intel();
  return pay;
}

bool widening_delays_products() {
  static const bool delays = is_intel();
  return delays;
}

#else

std::int64_t supported_targets() { return 0; }
bool cpu_has_bf16_dots() { return false; }
bool early_requests_pay() { return true; }
bool streamed_requests_pay() { return true; }
bool widening_delays_products() { return false; }

#endif

}  // namespace nibble
