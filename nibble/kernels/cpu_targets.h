// Which of Highway's targets the CPU and its operating system can run.
#pragma once

#include <cstdint>

namespace nibble {

// Their bits (HWY_AVX2, ...) as hwy::SupportedTargets() has them, of the x86 targets that nibble is
// compiled for; 0 on other CPUs, where the baseline's code runs.
std::int64_t supported_targets();

// VDPBF16PS, which Highway 1.0.3 has no target for.
bool cpu_has_bf16_dots();

// Whether rows scattered over L3 are worth asking for before they are wanted. A batch of the
// reference network in f32 takes 8 % less time for it on Zen 4, and 3 to 6 % more on Zen 5, whose
// core looks far enough ahead by itself and has only the asking to pay. Other CPUs are taken to be
// like Zen 4.
bool early_requests_pay();

}  // namespace nibble
