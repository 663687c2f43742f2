// Which of Highway's targets the CPU and its operating system can run.
#pragma once

#include <cstdint>

namespace nibble {

// Their bits (HWY_AVX2, ...) as hwy::SupportedTargets() has them, of the x86 targets that nibble is
// compiled for; 0 on other CPUs, where the baseline's code runs.
std::int64_t supported_targets();

// VDPBF16PS, which Highway 1.0.3 has no target for.
bool cpu_has_bf16_dots();

}  // namespace nibble
