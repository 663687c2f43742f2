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
// reference network in f32 takes 8 % less time for it on Zen 4, 3 to 6 % more on Zen 5 and 9 % more
// on Intel's Emerald Rapids, whose cores look far enough ahead by themselves and have only the
// asking to pay. Intel's are all taken to be like that one, other CPUs to be like Zen 4.
bool early_requests_pay();

// Whether the weights that one row reads from the first byte to the last are worth asking for just
// ahead. Zen 4 reads L3 at 98 GB/s for it, else at 71; Zen 5 does not care; on Intel it takes up
// the ports that load: Emerald Rapids reads 512 x 256 in int8 from L2 in 0.89 us without it (148
// GB/s, all that L2 gives), in 1.20 with it, and 5 MB from L3 in the same time. CPUs as above.
bool streamed_requests_pay();

// Whether 16-bit weights are better widened once for many rows than in every register tile. On
// Intel conversions, shifts and masks use the two ports that multiply: 256 x 784 x 512 on Emerald
// Rapids runs in f16 at 76 % of the speed of f32 and in bf16 without VDPBF16PS at 90 %, and both at
// 97 % when they are widened once. AMD's cores have other units for that.
bool widening_delays_products();

}  // namespace nibble
